/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A build, from a Dockerfile to images: the settings, what is told meanwhile, and the
 * functions in the order in which a program calls them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "build/event.h"
#include "dockerfile/expand.h"
#include "dockerfile/ignore.h"
#include "dockerfile/parser.h"
#include "layer/compress.h"
#include "oci/manifest.h"
#include "registry/client.h"
#include "run/step.h"
#include "transport/transport.h"

/* How the handlers for other machines' programs are had. */
enum build_handlers {
	BUILD_HANDLERS_AUTO,	/* private ones; the host's where that cannot be */
	BUILD_HANDLERS_PRIVATE, /* in a binfmt_misc of this build's own (Linux 6.7) */
	BUILD_HANDLERS_HOST,	/* those that are registered on the machine */
};

/* --secret: the contents of a file, or a variable of the environment. */
struct build_secret_source {
	char *id;
	char *file, *env; /* one of them, the other is NULL */
};

/* --ssh: the socket of an agent, or private keys for one of the build's own. */
struct build_ssh_source {
	char *id;
	struct strv paths; /* none: the agent of SSH_AUTH_SOCK */
};

/* Which system calls of RUN are denied. */
enum build_seccomp {
	BUILD_SECCOMP_USUAL,   /* the list here, and the profile of containers-common
				  where there is one: results are the same */
	BUILD_SECCOMP_BUILTIN, /* the list alone */
	BUILD_SECCOMP_FILE,    /* a profile alone */
	BUILD_SECCOMP_NONE,
};

/* --build-context: what a name stands for in FROM and --from. */
enum build_named_kind {
	BUILD_NAMED_FOLDER,
	BUILD_NAMED_IMAGE,  /* where is a reference */
	BUILD_NAMED_LAYOUT, /* where is a folder; see image */
};

struct build_named {
	const char *name;
	enum build_named_kind kind;
	const char *where;
	const char *image; /* in the layout: a name, or "@sha256:…"; NULL: the only one */
	const struct dockerfile_ignore *ignore; /* of the folder; or NULL */
};

/* Where the images that FROM and --from name are looked for. */
enum build_pull {
	BUILD_PULL_MISSING, /* in the store, then in their registry */
	BUILD_PULL_ALWAYS,  /* in their registry */
	BUILD_PULL_NEWER,   /* there, then in the store */
	BUILD_PULL_NEVER,   /* in the store */
};

/* What an annotation is of. */
enum build_annotated {
	BUILD_ANNOTATE_MANIFEST,
	BUILD_ANNOTATE_INDEX,
	BUILD_ANNOTATE_DESCRIPTOR, /* of a manifest, in the index */
};

struct build_annotation {
	enum build_annotated what;
	char *platform; /* whose manifest; NULL: all */
	char *name, *value;
};

/* --cache-from and --cache-to: where what steps came to is read and written. */
struct build_cache_place {
	bool local;	   /* in a folder, an image layout; else in a registry */
	char *where;	   /* the folder, or a reference */
	char *name;	   /* in the layout */
	bool image_only;   /* mode=min: only the steps whose layers the images have */
	bool ignore_error; /* a failure to write is none of the build */
};

/* Strings and pointers are the caller's and outlive the build. */
struct build_settings {
	const struct dockerfile *dockerfile;
	const char *context; /* path of the folder */
	const struct dockerfile_ignore *ignore;
	const struct build_named *named;
	size_t nnamed;
	struct strv platforms; /* as typed; none: the machine's own */
	const char *target;    /* stage; NULL: the last */
	struct dockerfile_vars build_args;
	struct oci_map labels;
	const struct build_annotation *annotations;
	size_t nannotations;
	enum oci_format format;		    /* of manifests and indexes */
	enum layer_compression compression; /* of new layers */
	int level;			    /* 0: the usual one */
	const char *root;		    /* of the store; NULL: the usual place */
	unsigned jobs;			    /* steps at once; 0: one per processor */
	bool no_cache, keep_going;
	struct strv no_cache_stages; /* as `target`: what no_cache is for all stages */
	struct build_cache_place *cache_from; /* asked in this order */
	size_t ncache_from;
	bool partial;	    /* what some platforms came to is of use without the others */
	bool squash;	    /* one new layer, whatever the number of instructions */
	bool all_platforms; /* that the bases have, in place of `platforms` */
	enum build_pull pull;
	bool has_epoch;
	int64_t epoch;	      /* of all times in the image */
	struct strv env;      /* NAME=VALUE, for the images alone */
	struct strv unsetenv; /* names that they have not */

	/* RUN */
	enum run_network network;
	enum build_handlers handlers;
	const char *runtime; /* an OCI runtime; NULL: the sandbox here */
	struct build_secret_source *secrets;
	size_t nsecrets;
	struct build_ssh_source *ssh;
	size_t nssh;
	struct run_host *hosts;
	size_t nhosts;
	struct run_limit *limits;
	size_t nlimits;
	/* As run_cgroups_open() takes them. With neither, RUN is in the caller's cgroup.
	 */
	uint64_t memory;
	const char *cgroup_parent;
	uint64_t shm_size;	      /* bytes of /dev/shm; 0: the usual */
	uint64_t capabilities;	      /* as in a struct run_spec */
	uint64_t needed_capabilities; /* those among them without which it fails */
	const char *resolv_conf;      /* its text; NULL: the machine's */
	enum build_seccomp seccomp;
	const char *seccomp_profile;		 /* of BUILD_SECCOMP_FILE */
	bool sync;				 /* calls that wait for a disk do so */
	bool allow_insecure, allow_host_network; /* what RUN may ask for */

	const struct registry_settings *registry;
	build_tell tell; /* may be NULL */
	void *tell_context;
};

struct build;

/*
 * Takes the process, which must have one thread, into the namespaces that the build
 * needs, checks that what it has to run can run here, and opens the store. *b is to be
 * released in any case.
 */
int build_open(const struct build_settings *settings, struct build **b, struct err *e);

/* Reads what bases are and decides what is to be done. */
int build_plan(struct build *b, struct err *e);

/* A step of the plan, for who shows it. */
struct build_planned {
	const struct build_about *about;
	const char *source; /* "base", "folder": no step, but what one begins with */
	const char *text;   /* the instruction; of a source, its name */
	const struct build_about *parent;
	const struct build_about *const *sources; /* whose files it reads besides */
	size_t nsources;
};

/* Calls back for all steps and bases, each after those that it needs. */
void build_plan_list(const struct build *b,
		     void (*step)(void *context, const struct build_planned *planned),
		     void *context);

/*
 * Before build_execute(): layers are sent to where build_push() will be asked to put the
 * image as soon as they are there. Both take the same name.
 */
int build_push_ahead(struct build *b, const char *name, struct err *e);

/*
 * Does it. On success every platform's image is in the store. -ECANCELED after
 * build_cancel(). With `partial`, 1 when only some platforms' are: e tells then what
 * became of the first other one.
 */
int build_execute(struct build *b, struct err *e);

/* The folder of its store; points into b. After build_open(). */
const char *build_root(const struct build *b);

/* Ends what runs. Safe in a signal handler; b may be NULL. */
void build_cancel(struct build *b);

/* The index, or the manifest when there is one platform. Points into b. */
const struct oci_document *build_result(const struct build *b);

/* The same as an index would name it, with the platform if it is for one. */
void build_result_descriptor(const struct build *b, struct oci_descriptor *d);

/* Of the one platform, or of the index: what --iidfile gets. */
void build_image_id(const struct build *b, struct oci_digest *id);

/* --- What becomes of it --- */

/* name is a whole reference. The tag itself comes last; by digest, there comes none. */
int build_push(struct build *b, const char *name, bool by_digest, struct err *e);

/* Of an image that goes nowhere else: its layers come into the store. */
int build_fetch(struct build *b, struct err *e);

/* Gives the image a name in the store. */
int build_tag(struct build *b, const char *name, struct err *e);

/*
 * Puts it into the store's list of that name, each platform's in place of the one that
 * the list has; a list that is not there is made.
 */
int build_add_to_list(struct build *b, const char *name, struct err *e);

/* Writes it into a folder or file, in the form that the name says. */
int build_export(struct build *b, const struct transport_name *to, struct err *e);

/*
 * The files of the image, of several platforms in folders like linux_arm_v7: as a tar (in
 * file "-", the standard output), or in a folder, beside what is there and in place of
 * what has the same name. In a folder they belong to the user unless that is root, who
 * gets the image's owners and device nodes.
 */
int build_export_tar(struct build *b, const char *file, struct err *e);
int build_export_folder(struct build *b, const char *path, struct err *e);

/* Writes what the steps came to, for builds elsewhere. */
int build_cache_export(struct build *b, const struct build_cache_place *to,
		       struct err *e);

void build_free(struct build *b);
void build_free_p(struct build **b);

#define AUTO_BUILD CLEAN(build_free_p)
