/*
 * Room run, the watcher with the kernel's events. Guards: each way in which editors and tools save
 * becomes one batch that names what was saved; what comes and goes is no change; new directories
 * lose nothing; ignore rules; roots that go and come back (FAULTS section 2, rows E04 to E11).
 */
#include "watch_test.h"

static void plain_saves(void **state)
{
	struct scene s;
	put_file(*state, in_project(*state, "src/f"), "one\n");
	watch_project(&s, *state);
	becomes(&s, "echo two >src/f", "src/f");
	becomes(&s, "echo three >>src/f", "src/f");
	becomes(&s, "sed -i s/t/T/ src/f", "src/f");
	becomes(&s, "cp src/f src/g", "src/g");
	becomes(&s, "echo x >src/.t && mv src/.t src/f", "src/f");
	becomes(&s, "ln src/f src/t2 && rm src/g && ln src/t2 src/g && rm src/t2", "src/g");
	becomes(&s, "rm src/g", "src/g");
	becomes(&s, "ln -s f src/link", "src/link");
	sh(&s, "touch src/f; : >>src/f; cat src/f >/dev/null; chmod 600 src/f");
	stay_quiet(&s, 200);
	sh(&s, "echo >src/4913; rm src/4913; touch src/q; rm src/q; mkdir src/d; rmdir src/d");
	stay_quiet(&s, 200);
	close_scene(&s);
}

static void editors_saves(void **state)
{
	struct scene s;
	put_file(*state, in_project(*state, "f.py"), "one\n");
	watch_project(&s, *state);
	/* vim with a backup that goes, with one that stays, and by renaming */
	becomes(&s, ": >4913 && rm 4913 && mv f.py f.py~ && echo 2 >f.py && rm f.py~", "f.py");
	becomes(&s, "rm -f f.py.bak; mv f.py f.py~ && echo 3 >f.py", "f.py");
	/* emacs: a lock, an auto-save file, a backup */
	becomes(&s,
		"ln -s me@host:1 '.#f.py'; echo >'#f.py#'; mv f.py f.py~; echo 4 >f.py; "
		"rm '.#f.py' '#f.py#'",
		"f.py");
	/* JetBrains: safe write */
	becomes(&s,
		"echo 5 >f.py___jb_tmp___; mv f.py f.py___jb_old___; "
		"mv f.py___jb_tmp___ f.py; rm f.py___jb_old___",
		"f.py");
	/* rsync, and a backup name that no list knows */
	becomes(&s, "echo 6 >.f.py.XyZaBc && mv .f.py.XyZaBc f.py", "f.py");
	becomes(&s, "mv f.py f.old && echo 7 >f.py && rm f.old", "f.py");
	/* opening alone */
	sh(&s, "echo >.f.py.swp; ln -s a@b '.#f.py'; echo >.f.py.swx");
	stay_quiet(&s, 200);
	close_scene(&s);
}

static void new_directories_lose_nothing(void **state)
{
	struct scene s;
	watch_project(&s, *state);
	becomes(&s, "mkdir -p a/b/c && touch a/b/c/f", "a/b/c/f");
	becomes(&s, "cp -r a z", "z/b/c/f");
	becomes(&s, "mv z y", "y/b/c/f z");
	becomes(&s, "echo >y/b/c/f", "y/b/c/f");
	becomes(&s, "rm -r y", "y/b/c/f");
	becomes(&s, "mkdir e", "e");
	becomes(&s, "mv a ../out", "a");
	sh(&s, "echo >../out/b/c/f");
	stay_quiet(&s, 100);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(plain_saves),
		test(editors_saves),
		test(new_directories_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
