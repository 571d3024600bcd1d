/* The program: sets the locale and hands over. */
#include <locale.h>

#include "cmd/cmd.h"

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	return cmd_main(argc, argv);
}
