/* Inside `devenv dash`: what its files share. */
#ifndef CMD_DASH_PARTS_H
#define CMD_DASH_PARTS_H

#include "cmd/context.h"
#include "cmd/results.h"
#include "run/io/child.h"
#include "run/io/hooks.h"
#include "run/logs/log_feed.h"
#include "run/sight.h"
#include "view/screen.h"

struct dash {
	struct context *context;
	struct dashboard view;
	struct grid grid;
	struct screen *screen;
	struct loop_hook *keys;
	bool leave;
	unsigned resizes; /* seen so far */
	int64_t drawn;    /* when a frame was drawn last, monotonic ms */
	int64_t due;      /* none is drawn before */
	bool touched;     /* its user did something that is not drawn yet */

	/* dash_world.c */
	struct sight *sight;
	struct log_feed *feed;
	char fed[300];      /* service whose log is shown */
	struct arena arena; /* of now */
	struct world now;
	struct control_client *agent;
	struct loop_hook *agent_hook;
	struct results results;
	struct arena agent_arena; /* of the host units */
	struct world agent_world;
	bool units_stale, modules_new;
	int64_t next_meet, next_stages;
	char agent_words[120];

	/* dash_config.c */
	struct context *read;   /* of the configuration that is shown now; NULL: as it was begun */
	struct context *before; /* of the one before */
	uint64_t files;         /* how its files looked when it was read */
	int64_t next_files;

	struct dash_requests *requests; /* dash_requests.c; heap */

	/* dash_act.c */
	struct child *child;
	struct spawn spawn;
	struct arena child_arena; /* its arguments */
};

/* ---- what is seen ---- */
void dash_world_open(struct dash *d);
void dash_world_turn(struct dash *d, int64_t now_ms); /* after each turn of the loop */
int dash_world_timeout(const struct dash *d);         /* how long the next turn may wait */
void dash_world_close(struct dash *d);

/* ---- what is configured ---- */
void dash_config_open(struct dash *d);
/* True: it was changed and read anew; what is shown is to be made again. */
bool dash_config_turn(struct dash *d, int64_t now_ms);
void dash_config_close(struct dash *d);

/* ---- what is answered ---- */
void dash_requests_turn(struct dash *d, int64_t now_ms);
void dash_requests_close(struct dash *d);

/* ---- what is asked for ---- */
void dash_act(struct dash *d, const struct dash_intent *i);
void dash_act_turn(struct dash *d);
void dash_act_close(struct dash *d);
void dash_keys_on(struct dash *d, bool on);

#endif
