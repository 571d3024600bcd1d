/*
 * What a key or the mouse means, by what is being typed and what is shown. Comes in: input. Goes
 * out: another state of the dashboard, perhaps an intent.
 */
#include <string.h>
#include <wchar.h>

#include "dashboard_parts.h"

enum { TYPED_MAX = 200, SHIFT = 16, WHEEL = 3 };

static struct dash_pane *pane_of(struct dashboard *d)
{
	return &d->panes[d->pane];
}

static int pane_rows(const struct dashboard *d)
{
	struct dash_layout l;
	dashboard_layout(d, &l);
	return l.too_small ? 1 : l.pane_rows;
}

/* ---- what is typed ---- */

static void type(struct dashboard *d, uint32_t cp)
{
	char bytes[4];
	size_t n = 0;
	if (cp < 0x80)
		bytes[n++] = (char)cp;
	else if (cp < 0x800)
		bytes[n++] = (char)(0xc0 | cp >> 6);
	else if (cp < 0x10000)
		bytes[n++] = (char)(0xe0 | cp >> 12);
	else
		bytes[n++] = (char)(0xf0 | cp >> 18);
	if (cp >= 0x10000)
		bytes[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
	if (cp >= 0x800)
		bytes[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
	if (cp >= 0x80)
		bytes[n++] = (char)(0x80 | (cp & 0x3f));
	size_t step;
	if (d->typed.len + n <= TYPED_MAX && !text_steers(bytes, n, &step))
		buf_add(&d->typed, bytes, n);
}

static void erase_one(struct dashboard *d)
{
	size_t n = d->typed.len;
	while (n && ((unsigned char)d->typed.data[n - 1] & 0xc0) == 0x80)
		n--;
	buf_truncate(&d->typed, n ? n - 1 : 0);
}

static void ask(struct dashboard *d, enum dash_prompt p, const char *old)
{
	d->prompt = p;
	d->palette_at = 0;
	buf_truncate(&d->typed, 0);
	buf_adds(&d->typed, old);
}

static void search_from_here(struct dashboard *d, bool up)
{
	if (!pane_of(d)->search_text.len)
		dashboard_say(d, "nothing is searched: / begins");
	else if (!pane_find(pane_of(d), up, d->width, pane_rows(d)))
		dashboard_say(d, "not found: %s", buf_str(&pane_of(d)->search_text));
}

static void answer(struct dashboard *d)
{
	char why[120] = "";
	enum dash_prompt p = d->prompt;
	const char *text = buf_str(&d->typed);
	d->prompt = PROMPT_NONE;
	bool done = p == PROMPT_FILTER ? pane_filter(pane_of(d), text, why)
				       : pane_search(pane_of(d), text, why);
	if (!done)
		dashboard_say(d, "\"%s\" is not a regular expression: %s", text, why);
	else if (p == PROMPT_SEARCH && *text)
		search_from_here(d, true);
	else if (p == PROMPT_FILTER)
		pane_end(pane_of(d), true, d->width, pane_rows(d));
}

static void own_key(struct dashboard *d, uint32_t key);

static const struct dash_unit *unit_for(const struct dashboard *d, const struct dash_action *a)
{
	return a->verb == VERB_RUN_ALL ? NULL : dashboard_selected(d);
}

static void ask_for(struct dashboard *d, const struct dash_action *a)
{
	if (!action_applies(d, a, unit_for(d, a))) {
		dashboard_say(d, "%s: not here", a->name);
	} else if (a->confirm) {
		d->confirm = a;
		ask(d, PROMPT_CONFIRM, "");
	} else {
		action_begin(d, a, unit_for(d, a));
	}
}

static void choose(struct dashboard *d)
{
	struct arena a = ARENA_INIT;
	struct dash_entries list = { 0 };
	palette_entries(d, &a, &list);
	d->prompt = PROMPT_NONE;
	if (d->palette_at < list.count) {
		const struct dash_entry *e = &list.items[d->palette_at];
		if (e->unit)
			dashboard_choose(d, e->unit->name);
		if (!e->action)
			d->pane = DASH_LOGS;
		else if (e->action->verb == VERB_OWN)
			own_key(d, e->action->key);
		else
			ask_for(d, e->action);
	}
	arena_release(&a);
}

static void palette_move(struct dashboard *d, bool up)
{
	struct arena a = ARENA_INIT;
	struct dash_entries list = { 0 };
	palette_entries(d, &a, &list);
	if (list.count)
		d->palette_at = (d->palette_at + (up ? list.count - 1 : 1)) % list.count;
	arena_release(&a);
}

static void prompt_key(struct dashboard *d, uint32_t key)
{
	bool palette = d->prompt == PROMPT_PALETTE;
	if (key == DASH_KEY_ESCAPE || (key == DASH_KEY_BACKSPACE && !d->typed.len)) {
		d->prompt = PROMPT_NONE;
	} else if (key == DASH_KEY_ENTER) {
		if (palette)
			choose(d);
		else
			answer(d);
	} else if (palette && (key == DASH_KEY_UP || key == DASH_KEY_DOWN)) {
		palette_move(d, key == DASH_KEY_UP);
	} else if (key == DASH_KEY_BACKSPACE || key == ('u' & 31) || key < 0x110000) {
		if (key == DASH_KEY_BACKSPACE)
			erase_one(d);
		else if (key == ('u' & 31))
			buf_truncate(&d->typed, 0);
		else
			type(d, key);
		d->palette_at = 0;
	}
}

static void confirm_key(struct dashboard *d, uint32_t key)
{
	d->prompt = PROMPT_NONE;
	if (key == 'y' || key == 'Y')
		action_begin(d, d->confirm, unit_for(d, d->confirm));
	else
		dashboard_say(d, "left as it is");
}

/* ---- the dashboard's own keys ---- */

static void select_by(struct dashboard *d, int step)
{
	size_t at = dashboard_index(d), count = d->units.count;
	if (!count || (step < 0 && at < (size_t)-step) || (step > 0 && at + (size_t)step >= count))
		return;
	dashboard_choose(d, d->units.items[at + (size_t)step].name);
}

static void show(struct dashboard *d, enum dash_pane_kind k)
{
	if (k == DASH_HELP && d->pane != DASH_HELP)
		d->before_help = d->pane;
	if (k == DASH_HELP)
		dashboard_help(d);
	d->pane = k;
}

static void next_pane(struct dashboard *d, int step)
{
	d->pane = (enum dash_pane_kind)((int)(d->pane + DASH_HELP) + step) % DASH_HELP;
}

static void toggle_pause(struct dashboard *d)
{
	struct dash_pane *p = pane_of(d);
	pane_pause(p, p->follow, d->width, pane_rows(d));
}

static void toggle_wrap(struct dashboard *d)
{
	pane_of(d)->wrap = !pane_of(d)->wrap;
	pane_of(d)->shift = 0;
}

/* One thing at a time, the last one first. */
static void escape(struct dashboard *d)
{
	char why[120];
	struct dash_pane *p = pane_of(d);
	if (d->pane == DASH_HELP)
		d->pane = d->before_help;
	else if (p->search_text.len)
		pane_search(p, "", why);
	else if (p->filter_text.len)
		pane_filter(p, "", why);
	else
		pane_end(p, p->tails, d->width, pane_rows(d));
	d->message[0] = '\0';
}

static void scroll(struct dashboard *d, int rows)
{
	pane_scroll(pane_of(d), rows, d->width, pane_rows(d));
}

static void shift(struct dashboard *d, int by)
{
	struct dash_pane *p = pane_of(d);
	p->shift = p->wrap || p->shift + by < 0 ? 0 : p->shift + by;
}

static void cancel(struct dashboard *d)
{
	if (d->running)
		d->intent.want = DASH_CANCEL;
	else
		dashboard_say(d, "no command runs");
}

static void own_key(struct dashboard *d, uint32_t key)
{
	struct dash_pane *p = pane_of(d);
	int page = pane_rows(d) > 1 ? pane_rows(d) - 1 : 1;
	switch (key) {
	case 'q':
	case 'c' & 31:
		d->intent.want = DASH_QUIT;
		break;
	case 'l' & 31:
		d->intent.want = DASH_REDRAW;
		break;
	case ':':
	case 'p' & 31:
		ask(d, PROMPT_PALETTE, "");
		break;
	case '/':
		ask(d, PROMPT_SEARCH, "");
		break;
	case 'f':
		ask(d, PROMPT_FILTER, buf_str(&p->filter_text));
		break;
	case 'n':
	case 'N':
		search_from_here(d, key == 'n');
		break;
	case ' ':
		toggle_pause(d);
		break;
	case 'w':
		toggle_wrap(d);
		break;
	case 'x':
		cancel(d);
		break;
	case '?':
		show(d, DASH_HELP);
		break;
	case '1':
	case '2':
	case '3':
	case '4':
		show(d, (enum dash_pane_kind)(key - '1'));
		break;
	case DASH_KEY_TAB:
		next_pane(d, 1);
		break;
	case DASH_KEY_BACKTAB:
		next_pane(d, -1);
		break;
	case DASH_KEY_UP:
	case 'k':
		select_by(d, -1);
		break;
	case DASH_KEY_DOWN:
	case 'j':
		select_by(d, 1);
		break;
	case DASH_KEY_LEFT:
		shift(d, -SHIFT);
		break;
	case DASH_KEY_RIGHT:
		shift(d, SHIFT);
		break;
	case DASH_KEY_PAGE_UP:
		scroll(d, -page);
		break;
	case DASH_KEY_PAGE_DOWN:
		scroll(d, page);
		break;
	case '[':
		scroll(d, -1);
		break;
	case ']':
		scroll(d, 1);
		break;
	case DASH_KEY_HOME:
	case 'g':
		pane_end(p, false, d->width, pane_rows(d));
		break;
	case DASH_KEY_END:
	case 'G':
		pane_end(p, true, d->width, pane_rows(d));
		break;
	case DASH_KEY_ESCAPE:
		escape(d);
		break;
	default:
		break;
	}
}

/* False: it is no key of an action. */
static bool action_key(struct dashboard *d, uint32_t key)
{
	for (size_t i = 0; key && i < dash_action_count; i++) {
		const struct dash_action *a = &dash_actions[i];
		if (a->key != key || a->verb == VERB_OWN)
			continue;
		ask_for(d, a);
		return true;
	}
	return false;
}

static void key(struct dashboard *d, uint32_t k)
{
	if (d->prompt == PROMPT_CONFIRM)
		confirm_key(d, k);
	else if (d->prompt != PROMPT_NONE)
		prompt_key(d, k);
	else if (!action_key(d, k))
		own_key(d, k);
}

/* ---- the mouse ---- */

static void click_tab(struct dashboard *d, int x)
{
	for (int k = 0; k < DASH_HELP; k++) {
		int from, end;
		dashboard_tab((enum dash_pane_kind)k, &from, &end);
		if (x >= from && x < end)
			show(d, (enum dash_pane_kind)k);
	}
}

static void click(struct dashboard *d, int x, int y)
{
	struct dash_layout l;
	dashboard_layout(d, &l);
	if (d->prompt == PROMPT_PALETTE) {
		int at = palette_hit(d, x, y);
		d->palette_at = at >= 0 ? (size_t)at : 0;
		if (at >= 0)
			choose(d);
		else
			d->prompt = PROMPT_NONE;
		return;
	}
	size_t row = d->list_top + (size_t)(y - l.list_y);
	if (y == l.tabs_y)
		click_tab(d, x);
	else if (y >= l.list_y && y < l.list_y + l.list_rows && row < d->units.count)
		dashboard_choose(d, d->units.items[row].name);
}

static void wheel(struct dashboard *d, int y, bool up)
{
	struct dash_layout l;
	dashboard_layout(d, &l);
	if (d->prompt == PROMPT_PALETTE)
		palette_move(d, up);
	else if (y < l.tabs_y)
		select_by(d, up ? -1 : 1);
	else
		scroll(d, up ? -WHEEL : WHEEL);
}

struct dash_intent dashboard_input(struct dashboard *d, const struct dash_input *in)
{
	arena_release(&d->intent_arena);
	d->intent = (struct dash_intent){ .want = DASH_NOTHING };
	d->dirty = true;
	if (in->kind == DASH_KEY)
		key(d, in->key);
	else if (in->kind == DASH_CLICK)
		click(d, in->x, in->y);
	else
		wheel(d, in->y, in->kind == DASH_WHEEL_UP);
	return d->intent;
}
