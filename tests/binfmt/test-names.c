/* SPDX-License-Identifier: MIT */
/* Names that people type, each to its architecture. */
#include <stdlib.h>

#include "binfmt/arch.h"
#include "tests/tap.h"

static const struct {
	const char *name, *arch; /* NULL: none */
} names[] = {
	{"aarch64", "aarch64"},
	{"qemu-aarch64", "aarch64"},
	{"arm64", "aarch64"},
	{"linux/arm64", "aarch64"},
	{"linux/arm64/v8", "aarch64"},
	{"arm", "arm"},
	{"linux/arm", "arm"},
	{"linux/arm/v7", "arm"},
	{"arm/v6", "arm"},
	{"linux/arm/v9", NULL},
	{"armhf", "arm"},
	{"armel", "arm"},
	{"armv7l", "arm"},
	{"386", "i386"},
	{"linux/386", "i386"},
	{"i386", "i386"},
	{"i686", "i386"},
	{"i486", "i486"},
	{"amd64", "x86_64"},
	{"linux/amd64/v2", "x86_64"},
	{"ppc64el", "ppc64le"},
	{"linux/ppc64le", "ppc64le"},
	{"powerpc", "ppc"},
	{"mips64le", "mips64el"},
	{"linux/mips64le", "mips64el"},
	{"mips64el", "mips64el"},
	{"mipsle", "mipsel"},
	{"s390x", "s390x"},
	{"riscv64", "riscv64"},
	{"loong64", "loongarch64"},
	{"parisc", "hppa"},
	{"openrisc", "or1k"},
	{"linux/", NULL},
	{"", NULL},
	{"linux/windows", NULL},
	{"arm6", NULL},
	{"arm64x", NULL},
};

static void nearest(const struct binfmt_archs *archs, const char *name, const char *want)
{
	AUTO_FREE char *near = binfmt_archs_nearest(archs, name);

	is_str(near, want, name);
}

static void test_prefix(struct binfmt_archs *archs)
{
	const struct binfmt_arch *microblaze = binfmt_archs_find(archs, "microblaze");
	AUTO_FREE char *first = NULL;
	AUTO_FREE char *second = NULL;

	ok(!binfmt_archs_find_entry(archs, "my-qemu-microblaze"), "a foreign prefix");
	binfmt_archs_set_prefix(archs, "my-");
	first = binfmt_arch_entry_name(microblaze, 0);
	second = binfmt_arch_entry_name(microblaze, 1);
	is_str(first, "my-qemu-microblaze", "an entry's name has the prefix");
	is_str(second, "my-qemu-microblaze-189", "that of a further machine number too");
	ok(binfmt_archs_find_entry(archs, first) == microblaze, "found with it");
	ok(binfmt_archs_find_entry(archs, second) == microblaze, "both");
	ok(binfmt_archs_find_entry(archs, "qemu-microblaze") == microblaze, "or without");
	ok(binfmt_archs_find_entry(archs, "my-qemu-microblaze-189.new") == microblaze,
	   "and a replacement's bridge");
	ok(!binfmt_archs_find_entry(archs, "my-qemu-microblazeelx"), "the whole name");
}

int main(void)
{
	AUTO_BINFMT_ARCHS struct binfmt_archs archs = {0};

	is_int(binfmt_archs_load(&archs, NULL, NULL), 0, "loads");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct binfmt_arch *a = binfmt_archs_find(&archs, names[i].name);

		is_str(a ? a->name : NULL, names[i].arch, names[i].name);
	}
	nearest(&archs, "riscv46", "riscv64");
	nearest(&archs, "linux/arm46", "linux/arm64");
	nearest(&archs, "s390", "s390x");
	nearest(&archs, "quite-other", NULL);

	is_str(binfmt_archs_find_entry(&archs, "qemu-microblaze-189")->name, "microblaze",
	       "the entry for a second machine number");
	ok(!binfmt_archs_find_entry(&archs, "qemu-arm64"), "entries have qemu's names");
	ok(!binfmt_archs_find_entry(&archs, "aarch64"), "with their prefix");
	test_prefix(&archs);
	for (size_t i = 0; i < archs.n; i++) {
		AUTO_FREE char *label = binfmt_arch_label(&archs.v[i]);

		ok(binfmt_archs_find(&archs, label) == &archs.v[i],
		   "the label %s can be typed", label);
	}
	return tap_done();
}
