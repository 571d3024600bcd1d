/* The manuals against the tables: what `make man` writes is what is committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/os.h"
#include "cmd/opt.h"
#include "model/schema.h"
#include "view/view.h"

static void compare(const char *manual, const struct buf *want)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(file_read(manual, 1 << 20, &text, &e), 0);
	char *begin = strstr(text.data, ".\\\" BEGIN");
	assert_non_null(begin);
	begin = strchr(begin, '\n') + 1;
	char *end = strstr(begin, ".\\\" END");
	assert_non_null(end);
	*end = '\0';
	assert_string_equal(begin, buf_str(want));
	buf_release(&text);
}

static void commands_are_in_the_manual(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	help_mdoc(&b);
	compare("man/devenv.1", &b);
	buf_release(&b);
}

static void fields_are_in_the_manual(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	view_manual(&b, &schema_devenv);
	compare("man/devenv.yml.5", &b);
	buf_release(&b);
}

/* Each command is in a group that help shows, and has a line of help that is a phrase. */
static void commands_are_complete(void **state)
{
	(void)state;
	struct buf all = BUF_INIT;
	help_overview(&all);
	for (size_t i = 0; commands[i]; i++) {
		const struct cmd *c = commands[i];
		if (c->name[0] == '_')
			continue;
		assert_non_null(strstr(all.data, c->help));
		assert_false(ends_with(c->help, "."));
		assert_ptr_equal(cmd_find(c->name), c);
		for (const struct opt *o = c->opts; o && o->name; o++) {
			assert_non_null(o->help);
			assert_true((o->kind == OPT_FLAG) == (o->value == NULL));
			assert_true(o->offset < c->opts_size);
		}
	}
	buf_release(&all);
}

static int parse(struct parsed *p, struct arena *a, struct err *e, const char *line)
{
	static char globals[512];
	size_t n;
	const char *why;
	memset(p, 0, sizeof(*p));
	memset(globals, 0, sizeof(globals));
	char **argv = split_words(a, line, &n, &why);
	return opt_parse(a, (int)n, argv, globals, p, e);
}

static void command_lines_parse(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct parsed p;
	assert_int_equal(parse(&p, &a, &e, "devenv up -d web api"), 0);
	assert_string_equal(p.cmd->name, "up");
	assert_int_equal(p.args.count, 2);
	assert_int_equal(parse(&p, &a, &e, "devenv exec web -- ls -la --color"), 0);
	assert_int_equal(p.args.count, 4);
	assert_string_equal(p.args.items[2], "-la");
	assert_int_equal(parse(&p, &a, &e, "devenv resta -t 3"), 0);
	assert_string_equal(p.cmd->name, "restart");
	assert_int_equal(parse(&p, &a, &e, "devenv psql -c 'select 1'"), 0);
	assert_null(p.cmd);
	assert_int_equal(p.args.count, 2);
	assert_int_equal(parse(&p, &a, &e, "devenv up --detatch"), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.hint, "did you mean --detach?");
	assert_int_equal(parse(&p, &a, &e, "devenv logs --tail"), -1);
	assert_int_equal(parse(&p, &a, &e, "devenv graph --format svg"), -1);
	assert_int_equal(parse(&p, &a, &e, "devenv down -t soon"), -1);
	assert_int_equal(parse(&p, &a, &e, "devenv attach"), -1);
	arena_release(&a);
}

static bool has_option(const struct opt *opts, const char *name)
{
	for (; opts && opts->name; opts++)
		if (!strcmp(opts->name, name))
			return true;
	return false;
}

/* A word of Compose's that devenv learned meanwhile is no habit any more. */
static void habits_are_none_of_ours(void **state)
{
	(void)state;
	size_t count;
	const struct habit *h = habits(&count);
	for (size_t i = 0; i < count; i++) {
		const struct cmd *c = h[i].cmd ? cmd_find(h[i].cmd) : NULL;
		const struct opt *own = c ? c->opts : NULL;
		assert_true(!h[i].cmd || (c && !strcmp(c->name, h[i].cmd)));
		assert_true(!h[i].as == (h[i].instead != NULL));
		assert_false(has_option(own, h[i].option));
		assert_false(!c && has_option(global_opts, h[i].option));
		if (h[i].as && *h[i].as)
			assert_true(has_option(own, h[i].as) || has_option(global_opts, h[i].as));
	}
	for (size_t i = 0; commands[i]; i++)
		assert_null(habit_word(commands[i]->name));
}

static void compose_lines_parse(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct parsed p;
	assert_int_equal(parse(&p, &a, &e, "devenv exec -it web bash"), 0);
	assert_int_equal(p.args.count, 2);
	assert_int_equal(parse(&p, &a, &e, "devenv run --rm -it web sh -c true"), 0);
	assert_int_equal(p.args.count, 4);
	assert_int_equal(parse(&p, &a, &e, "devenv --project-name shop ps -a"), 0);
	assert_int_equal(parse(&p, &a, &e, "devenv down --remove-orphans --rmi local"), -1);
	assert_string_equal(e.text, "there is no option --rmi");
	assert_non_null(strstr(e.hint, "devenv clean"));
	assert_int_equal(parse(&p, &a, &e, "devenv run -p 80:80 web"), -1);
	assert_string_equal(e.text, "there is no option -p");
	assert_int_equal(parse(&p, &a, &e, "devenv -p shop run web"), 0);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_in_the_manual),
		cmocka_unit_test(fields_are_in_the_manual),
		cmocka_unit_test(commands_are_complete),
		cmocka_unit_test(command_lines_parse),
		cmocka_unit_test(habits_are_none_of_ours),
		cmocka_unit_test(compose_lines_parse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
