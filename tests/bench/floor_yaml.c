/*
 * The floor of reading configuration: libyaml turns every file named on the command line into
 * events, and nothing is done with them. Prints how many there were.
 */
#include <stdio.h>
#include <yaml.h>

static long scan(FILE *file)
{
	yaml_parser_t parser;
	yaml_event_t event = { 0 };
	long count = 0;
	if (!yaml_parser_initialize(&parser))
		return -1;
	yaml_parser_set_input_file(&parser, file);
	for (yaml_event_type_t type = YAML_NO_EVENT; type != YAML_STREAM_END_EVENT; count++) {
		if (!yaml_parser_parse(&parser, &event)) {
			count = -1;
			break;
		}
		type = event.type;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return count;
}

int main(int argc, char **argv)
{
	long total = 0;
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");
		long count = file ? scan(file) : -1;
		if (count < 0)
			return 1;
		fclose(file);
		total += count;
	}
	printf("%ld events\n", total);
	return 0;
}
