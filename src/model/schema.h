/* The tables that the files of this room share; see model/schema.h for the three whole ones. */
#ifndef MODEL_SCHEMA_PARTS_H
#define MODEL_SCHEMA_PARTS_H

#include "model/schema.h"

/* Items and values that many tables hold. */
extern const struct field field_str;    /* a string */
extern const struct field field_scalar; /* any scalar */
extern const struct field field_port;   /* a port number or a text */
extern const struct field field_any;
extern const struct field field_path, field_host;
extern const struct schema schema_vars; /* NAME: value or null (environment, arguments, labels) */
extern const struct schema schema_env;  /* the same, with names that a shell knows */
extern const struct schema schema_options; /* NAME: scalar (driver_opts) */
extern const struct schema schema_extra_hosts;
extern const struct schema schema_ulimits;

/* Parts of a service. */
extern const struct schema schema_healthcheck, schema_depends, schema_deploy, schema_build;
extern const struct schema schema_endpoints; /* networks of a service */
extern const struct schema schema_develop, schema_release, schema_extends;
extern const struct field field_port_entry, field_mount_entry, field_grant_entry;
extern const struct field field_env_file_entry, field_service_hook;

/* Parts of the file. */
extern const struct field field_image, field_volume, field_secret, field_cache;
extern const struct field field_network, field_config, field_include;
extern const struct schema schema_images, schema_services, schema_volumes, schema_secrets;
extern const struct schema schema_caches, schema_networks, schema_configs, schema_certs;
extern const struct schema schema_up, schema_hooks, schema_commands, schema_layouts;
extern const struct schema schema_debug, schema_parity, schema_ci;
extern const struct field field_route;

#endif
