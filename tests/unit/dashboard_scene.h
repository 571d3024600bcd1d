/* A shop on a dashboard, for its tests: six units, one of them a module, one of them gone. */
#ifndef TEST_DASHBOARD_SCENE_H
#define TEST_DASHBOARD_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "view/dashboard.h"

struct scene {
	struct arena arena;
	struct project project;
	struct world world;
	struct module_states modules;
	struct dashboard d;
	struct grid grid;
	struct dash_intent intent; /* of the last key */
};

static inline struct service *service(struct scene *s, const char *name)
{
	struct service *v = list_push(&s->arena, &s->project.services);
	*v = (struct service){ .name = name, .replicas = 1, .image_name = "debian" };
	return v;
}

static inline struct container *container(struct scene *s, const char *name, enum unit_state state)
{
	struct container *c = list_push(&s->arena, &s->world.containers);
	*c = (struct container){ .id = name,
		.name = name,
		.service = name,
		.number = 1,
		.state = state,
		.uptime_s = state == UNIT_RUNNING ? 75 : -1 };
	return c;
}

static inline void look(struct scene *s)
{
	dashboard_look(&s->d, &s->project, &s->world, &s->modules);
}

static inline void fill(struct scene *s)
{
	s->project = (struct project){ .name = "shop", .workspace = "shop-1" };
	service(s, "web");
	service(s, "api");
	service(s, "db");
	service(s, "seed");
	service(s, "mail");
	struct service *all = s->project.services.items;
	all[3].kind = KIND_JOB;
	*list_push(&s->arena, &all[0].needs) =
		(struct need){ .name = "api", .service = &all[1], .required = true };
	*list_push(&s->arena, &all[1].needs) = (struct need){
		.name = "db", .service = &all[2], .condition = COND_HEALTHY, .required = true
	};
	*list_push(&s->arena, &s->project.routes) = (struct route){
		.host = "shop.localhost", .path = "/", .to_name = "web", .to = &all[0], .port = 80
	};
	struct container *web = container(s, "web", UNIT_RUNNING);
	*list_push(&s->arena, &web->ports) = (struct seen_port){
		.target = 80, .published = 8080, .protocol = "tcp", .host_ip = "127.0.0.1"
	};
	container(s, "api", UNIT_RUNNING)->health = HEALTH_UNHEALTHY;
	container(s, "db", UNIT_RUNNING)->health = HEALTH_HEALTHY;
	s->world.containers.items[2].restarts = 2;
	s->world.containers.items[2].uptime_s = 5 * 3600;
	container(s, "seed", UNIT_EXITED);
	container(s, "mail", UNIT_EXITED)->exit_code = 3;
	container(s, "gone", UNIT_RUNNING);
	struct module_state *m = list_push(&s->arena, &s->modules);
	*m = (struct module_state){ .service = "api", .cause = "api/main.c", .runs = 1 };
	m->stages[STAGE_COMPILE].state = STAGE_PASSED;
	m->stages[STAGE_TEST].state = STAGE_FAILED;
}

static const char *const scene_commands[] = { "restart", "recreate", "stop", "up", "shell", "trace",
	"open", "compile", "lint", "test", "plan" };

static inline struct scene *open_scene(int width, int height)
{
	struct scene *s = xcalloc(1, sizeof(*s));
	dashboard_init(&s->d, width, height);
	s->d.unicode = s->d.colour = true;
	for (size_t i = 0; i < countof(scene_commands); i++)
		strs_add(&s->arena, &s->d.commands, scene_commands[i]);
	dashboard_tick(&s->d, 1000);
	fill(s);
	look(s);
	for (int i = 0; i < 20; i++) {
		dashboard_usage(&s->d, "web", i * 10, (i + 1) * 1000000);
		dashboard_usage(&s->d, "api", 1005, 1500000000);
	}
	s->d.agent = "watch on  lint off  test on";
	return s;
}

static inline void close_scene(struct scene *s)
{
	dashboard_release(&s->d);
	grid_release(&s->grid);
	arena_release(&s->arena);
	xfree(s);
}

static inline void input(struct scene *s, struct dash_input in)
{
	s->intent = dashboard_input(&s->d, &in);
}

static inline void key(struct scene *s, uint32_t k)
{
	input(s, (struct dash_input){ .kind = DASH_KEY, .key = k });
}

static inline void keys(struct scene *s, const char *text)
{
	for (; *text; text++)
		key(s, *text == '\r' ? DASH_KEY_ENTER : (unsigned char)*text);
}

static inline const char *words(struct scene *s)
{
	return strs_join(&s->arena, &s->intent.words, " ");
}

static inline const char *screen(struct scene *s)
{
	cleanup_buf struct buf b = BUF_INIT;
	dashboard_draw(&s->d, &s->grid);
	grid_dump(&b, &s->grid);
	return arena_strdup(&s->arena, buf_str(&b));
}

static inline const char *row(struct scene *s, int y)
{
	const char *p = screen(s);
	while (y-- > 0)
		p = strchr(p, '\n') + 1;
	return arena_strndup(&s->arena, p, strcspn(p, "\n"));
}

#define SEES(s, text) assert_non_null(strstr(screen(s), text))
#define SEES_NOT(s, text) assert_null(strstr(screen(s), text))

static inline void log_line(struct scene *s, const char *text)
{
	dashboard_log(&s->d, false, text, strlen(text));
}

static inline void log_lines(struct scene *s, int from, int to)
{
	char text[40];
	for (int i = from; i <= to; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		log_line(s, text);
	}
}

#endif
