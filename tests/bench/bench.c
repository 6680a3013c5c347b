/* SPDX-License-Identifier: BSL-1.0
 * bench.c - how fast the library is, beside the limit of the processor and its rivals, all in one process and in turns.
 *
 *   bench [--json | --markdown] [--quick] [--svg FILE] [--dir FOLDER]
 *
 *   --json      every figure a number
 *   --markdown  the table for a README
 *   --quick     few rounds; ends with 1 when a ratio misses its goal by more than a fifth
 *   --svg       a picture of cycles per byte over size, of each kernel
 *   --dir       where the file of SQLite is made (TMPDIR, else /var/tmp): a place whose fsync means something
 *
 * Without --quick it ends with 1 when any goal is missed. Goals of processors with instructions that this one lacks are not judged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chats.h"
#include "ciphers.h"
#include "counted.h"
#include "crypto/cpu.h"
#include "figures.h"
#include "files.h"
#include "keys.h"
#include "limit.h"
#include "messages.h"
#include "picture.h"
#include "steady.h"

#define CURVES_MOST 8u

typedef struct {
  int json, markdown, quick;
  const char *svg, *folder;
} options;

static int read_options(options *o, int argc, char **argv) {
  const char *temporary = getenv("TMPDIR");
  memset(o, 0, sizeof *o);
  o->folder = temporary != NULL && temporary[0] != '\0' ? temporary : "/var/tmp";
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0)
      o->json = 1;
    else if (strcmp(argv[i], "--markdown") == 0)
      o->markdown = 1;
    else if (strcmp(argv[i], "--quick") == 0)
      o->quick = 1;
    else if (strcmp(argv[i], "--svg") == 0 && i + 1 < argc)
      o->svg = argv[++i];
    else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
      o->folder = argv[++i];
    else
      return 0;
  }
  return 1;
}

/* What the system calls the processor, and its clock in this run. */
static void name_machine(char *name, size_t size) {
  char line[256], model[160] = "a processor the system does not name";
  FILE *f = fopen("/proc/cpuinfo", "r");
  unsigned family = 0, number = 0;
  while (f != NULL && fgets(line, (int)sizeof line, f) != NULL) {
    (void)sscanf(line, "cpu family : %u", &family);
    (void)sscanf(line, "model : %u", &number);
    if (sscanf(line, "model name : %159[^\n]", model) == 1) break;
  }
  if (f != NULL) (void)fclose(f);
  (void)snprintf(name, size, "%s, family %u, model %u, at %.2f GHz", model, family, number, limit_clock());
}

static void draw(const options *o, const char *machine, const effort *how) {
  curve curves[CURVES_MOST];
  const effort few = {how->rounds / 5 + 1, how->sample_ns};
  FILE *out = fopen(o->svg, "w");
  must(out != NULL, o->svg);
  picture(out, machine, curves, ciphers_curves(curves, CURVES_MOST, &few));
  must(fclose(out) == 0, o->svg);
}

static void tell(const options *o, const char *machine) {
  if (o->json) {
    figures_json(stdout);
  } else if (o->markdown) {
    printf("Measured on one core of: %s.\n\n", machine);
    figures_markdown(stdout);
  } else {
    printf("%s\n\n", machine);
    figures_table(stdout);
  }
}

int main(int argc, char **argv) {
  options o;
  char machine[256];
  if (!read_options(&o, argc, argv)) {
    fprintf(stderr, "usage: %s [--json | --markdown] [--quick] [--svg FILE] [--dir FOLDER]\n", argv[0]);
    return 2;
  }
  const effort full = {401, 60e3}, quick = {101, 40e3};
  const effort *how = o.quick ? &quick : &full;
  counted_begin();
  name_machine(machine, sizeof machine);
  bench_ciphers(how);
  bench_files(how);
  bench_messages(how);
  bench_chats(how);
  bench_sqlite(how, o.folder);
  bench_keys(how);
  bench_steady();
  bench_idle(o.quick ? 1000 : 10000);
  if (o.svg != NULL) draw(&o, machine, how);
  tell(&o, machine);
  (void)fflush(stdout);
  return figures_missed(!o.quick, o.quick ? 0.2 : 0) == 0 ? 0 : 1;
}
