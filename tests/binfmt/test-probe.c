/* SPDX-License-Identifier: MIT */
#include "binfmt/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "binfmt/arch.h"
#include "binfmt/elf.h"
#include "tests/tap.h"

static void test_report(void)
{
	struct binfmt_probe_report r;

	is_int(binfmt_probe_parse(&r,
				  "10173c27 00000001 000003e8 00000000 00000001 a b\n"),
	       0, "a report");
	ok(r.check == BINFMT_PROBE_CHECK && r.argc == 1 && r.uid == 1000 && r.euid == 0 &&
		   r.thread == BINFMT_PROBE_THREAD_OK,
	   "its numbers");
	is_str(r.argv0, "a b", "its last word may have blanks");
	is_int(binfmt_probe_parse(&r, "10173c27 00000001 000003e8 00000000 00000001 \n"),
	       0, "an empty argv[0]");
	is_int(binfmt_probe_parse(&r, "10173c27 00000001\n"), -EINVAL, "half a report");
	is_int(binfmt_probe_parse(&r, "qemu: uncaught signal\n"), -EINVAL, "none");
	is_int(binfmt_probe_parse(&r, ""), -EINVAL, "nothing");
	is_int(binfmt_probe_parse(&r, "1 1 1 1 1 a\n"), -EINVAL, "numbers cut short");
}

/* Each image is a program of the architecture that it is for. */
static void test_image(const struct binfmt_archs *archs, const struct binfmt_probe *p)
{
	const struct binfmt_arch *arch = binfmt_archs_find(archs, p->arch);
	AUTO_CLOSE int fd = memfd_create("image", MFD_CLOEXEC);
	struct binfmt_elf elf = {0};
	bool known = false;

	ok(write(fd, p->image, p->size) == (ssize_t)p->size &&
		   binfmt_elf_read(fd, (off_t)p->size, &elf, NULL) == 0 &&
		   !elf.has_interpreter,
	   "%s: a static program", p->arch);
	for (size_t i = 0; arch && i < arch->nmagics; i++)
		known = known || (arch->magics[i].machine == elf.machine &&
				  arch->magics[i].bits == elf.bits &&
				  arch->magics[i].big_endian == elf.big_endian);
	ok(known, "%s: of this architecture (machine %u)", p->arch, elf.machine);
}

int main(void)
{
	AUTO_BINFMT_ARCHS struct binfmt_archs archs = {0};

	test_report();
	is_int(binfmt_archs_load(&archs, NULL, NULL), 0, "loads");
	for (size_t i = 0; i < binfmt_probe_count; i++)
		test_image(&archs, &binfmt_probes[i]);
	for (size_t i = 0; i < archs.n; i++)
		ok(binfmt_probe_find(archs.v[i].name) != NULL, "%s has a probe",
		   archs.v[i].name);
	ok(!binfmt_probe_find("none"), "an unknown one has none");
	return tap_done();
}
