/* SPDX-License-Identifier: MIT */
#include "mab-build/build-options.h"

#include "mab-build/command.h"

static const struct cli_option options[] = {
	{0, "What to build", .help = ""},
	{OPT_FILE, "file", .letter = 'f', .arg = "FILE",
	 .help = "the Dockerfile, - for stdin, or an address (default Containerfile, then "
		 "Dockerfile, in CONTEXT)"},
	{OPT_PLATFORM, "platform", .arg = "PLATFORM[,…]",
	 .help = "what to build for, as in linux/arm64,linux/arm/v7 (default: this "
		 "machine)"},
	{OPT_TARGET, "target", .arg = "STAGE",
	 .help = "the stage to build (default: the "
		 "last)"},
	{OPT_BUILD_ARG, "build-arg", .arg = "NAME=VALUE",
	 .help = "a value for an ARG; without =VALUE that of the environment"},
	{OPT_BUILD_CONTEXT, "build-context", .arg = "NAME=WHERE",
	 .help = "what NAME is in FROM and --from: a folder, docker-image://…, "
		 "oci-layout://…, or another context"},
	{0, "What is in the image", .help = ""},
	{OPT_LABEL, "label", .arg = "NAME=VALUE", .help = "a label of the image"},
	{OPT_ANNOTATION, "annotation", .arg = "NAME=VALUE",
	 .help = "an annotation of each platform's manifest"},
	{OPT_ENV, "env", .arg = "NAME[=VALUE]",
	 .help = "a variable of the image, that RUN does not see; without =VALUE that of "
		 "the environment"},
	{OPT_UNSETENV, "unsetenv", .arg = "NAME", .help = "a variable that it has not"},
	{OPT_SOURCE_DATE_EPOCH, "source-date-epoch", .arg = "SECONDS",
	 .help = "no time in the image is later than this (default: "
		 "$SOURCE_DATE_EPOCH)"},
	{OPT_TIMESTAMP, "timestamp", .arg = "SECONDS",
	 .help = "the same, as other builders call it"},
	{0, "What becomes of it", .help = ""},
	{OPT_TAG, "tag", .letter = 't', .arg = "NAME",
	 .help = "the image's name in the store, and where --push takes it"},
	{OPT_PUSH, "push", .help = "push it to the registry that its name begins with"},
	{OPT_OUTPUT, "output", .letter = 'o', .arg = "type=TYPE,dest=PATH",
	 .help = "write it: oci (a folder), oci-archive (a tar), registry (as --push)"},
	{OPT_IIDFILE, "iidfile", .arg = "FILE", .help = "write the image's digest there"},
	{OPT_METADATA_FILE, "metadata-file", .arg = "FILE",
	 .help = "write digest, type and names there, as JSON"},
	{0, "How to build", .help = ""},
	{OPT_JOBS, "jobs", .arg = "N",
	 .help = "steps at once (default: one per processor)"},
	{OPT_KEEP_GOING, "keep-going",
	 .help = "after a failure, finish what does not need it"},
	{OPT_MAX_CACHE, "max-cache", .arg = "SIZE",
	 .help = "afterwards, prune the store's cache to so many bytes: 500m, 10g"},
	{OPT_NO_CACHE, "no-cache", .help = "do every step anew"},
	{OPT_ROOT, "root", .arg = "FOLDER",
	 .help = "the store (default: $MAB_BUILD_ROOT, "
		 "or in the user's data)"},
	{0, "What is shown", .help = ""},
	{OPT_PROGRESS, "progress", .arg = "MODE",
	 .help = "tty (a live block), plain (lines), json (an event a line), or auto (the "
		 "default)"},
	{OPT_TRACE, "trace", .arg = "FILE",
	 .help = "write when each step ran, in Chrome's trace format"},
	{OPT_TIMELINE, "timeline", .arg = "FILE", .help = "the same as a picture (SVG)"},
	{0, "RUN", .help = ""},
	{OPT_NETWORK, "network", .arg = "MODE",
	 .help = "of RUN: host (the default) or none"},
	{OPT_HANDLERS, "handlers", .arg = "WHICH",
	 .help = "that run other machines' programs: private, host, or auto (the "
		 "default)"},
	{OPT_ISOLATION, "isolation", .arg = "MODE",
	 .help = "of RUN: namespaces (the default), or oci[:RUNTIME] for crun or another"},
	{OPT_SECRET, "secret", .arg = "id=ID[,src=FILE|,env=NAME]",
	 .help = "what RUN --mount=type=secret,id=ID gets, and nobody else"},
	{OPT_SSH, "ssh", .arg = "ID[=SOCKET|=KEY,…]",
	 .help = "the SSH agent of RUN --mount=type=ssh,id=ID (default: that of "
		 "$SSH_AUTH_SOCK), or keys for one"},
	{OPT_ALLOW, "allow", .arg = "RIGHT",
	 .help = "let RUN ask for: security.insecure, network.host"},
	{OPT_CAP_ADD, "cap-add", .arg = "NAME[,…]",
	 .help = "capabilities of RUN besides the usual ones, or ALL"},
	{OPT_CAP_DROP, "cap-drop", .arg = "NAME[,…]",
	 .help = "capabilities that RUN has not"},
	{OPT_SECURITY_OPT, "security-opt", .arg = "seccomp=FILE",
	 .help = "the profile of system calls, or unconfined for none"},
	{OPT_DNS, "dns", .arg = "ADDRESS", .help = "a name server for RUN"},
	{OPT_ULIMIT, "ulimit", .arg = "NAME=SOFT[:HARD]",
	 .help = "a limit of RUN, as nofile=1024:4096"},
	{OPT_SHM_SIZE, "shm-size", .arg = "SIZE", .help = "of /dev/shm (default 64m)"},
	{OPT_SYNC, "sync", .arg = "MODE",
	 .help = "off (the default): fsync and its kin wait for no disk in RUN; on"},
	{OPT_MEMORY, "memory", .arg = "SIZE",
	 .help = "not in this version: how much memory RUN may use"},
	{OPT_CGROUP_PARENT, "cgroup-parent", .arg = "PATH",
	 .help = "not in this version: the cgroup that RUN is in"},
	{OPT_DEVICE, "device", .arg = "DEVICE",
	 .help = "refused: RUN sees no devices of the machine"},
	{0, "Instead of building", .help = ""},
	{OPT_CHECK, "check", .help = "look for mistakes in the Dockerfile"},
	{OPT_DRY_RUN, "dry-run",
	 .help = "show what would be done; with --progress=json as JSON"},
	REMOTE_OPTIONS,
	{0, "Help", .help = ""},
	HELP_OPTION,
};

const struct cli_program build_program = {
	.name = PROGRAM " build",
	.usage = PROGRAM " build [OPTION…] [CONTEXT]",
	.summary =
		"Builds an image from a Dockerfile and CONTEXT: a folder (default: the "
		"current one), an archive, - for stdin, or an address.",
	.options = options,
	.epilogue =
		"Exit status: 0 done, 1 something failed or was found, 2 wrong usage.",
};
