/* SPDX-License-Identifier: BSL-1.0
 * run_vectors.c - runs every file of known answers in a directory against the library, whatever its name and length. */
#include "run_vectors.h"

#include <dirent.h>

#include "crypto/engine.h"
#include "stand.h"

#define ARENA_LIMIT ((size_t)256 << 20)

/* Of the files whose cases have a verdict, or steps. */
static void count_verdict(run *r, const json_t *c) {
  const char *verdict = text_field(c, "verdict");
  if (json_object_get(c, "rule") == NULL) return;
  if (strcmp(verdict, "accept") == 0) {
    r->taken++;
  } else {
    r->refused++;
  }
}

static void count_case(run *r, int good) {
  if (good) {
    r->passed++;
  } else {
    r->failed++;
  }
  drop_kept(r);
}

static size_t run_schema(run *r, FILE *file) {
  char line[4096];
  long layer = 0;
  r->number = 0;
  while (fgets(line, (int)sizeof line, file) != NULL) {
    static const char heading[] = "// layer ";
    if (strncmp(line, heading, sizeof heading - 1) == 0) layer = strtol(line + sizeof heading - 1, NULL, 10);
    const char *start = line + strspn(line, " \t\r\n");
    if (*start == 0 || strncmp(start, "//", 2) == 0) continue;
    r->number++;
    count_case(r, case_schema(r, start, layer));
  }
  return r->number;
}

/* Files ---------------------------------------------------------------------------------------------------------------------- */

typedef int (*case_function)(run *, const json_t *);

typedef struct {
  const char *name;
  const char *keys[4]; /* that tell its cases from those of the formats below it */
  case_function function;
} format;

static const format formats[] = {
    {"ige.json", {"iv_after", "ciphertext", "plaintext", "iv"}, case_ige},
    {"kdf.json", {"aes_key", "aes_iv", "msg_key", "x"}, case_kdf},
    {"envelope_reject.json", {"accepted", "message", "sender_is_originator", "key"}, case_envelope_reject},
    {"envelope.json", {"mtproto", "message", "sender_is_originator", "plaintext"}, case_envelope},
    {"dh.json", {"g_a", "g_b", "key", "key_fingerprint"}, case_dh},
    {"dh_config.json", {"accepted", "p", "g", "g"}, case_dh_config},
    {"tl.json", {"constructor", "value", "bytes", "type"}, case_tl},
    {"negative_envelope.json", {"verdict", "rule", "message", "receiver_is_originator"}, case_negative_envelope},
    {"negative_dh.json", {"verdict", "rule", "p", "kind"}, case_negative_dh},
    {"negative_rekey.json", {"steps", "rule", "receiver_is_originator", "what"}, case_negative_rekey},
    {"negative_file.json", {"verdict", "rule", "iv", "declared_size"}, case_negative_file},
    {"negative_tl.json", {"verdict", "rule", "type", "bytes"}, case_negative_tl},
};

#define FORMATS (sizeof formats / sizeof formats[0])

static int has_keys(const json_t *c, const format *f) {
  for (size_t i = 0; i < 4; i++) {
    if (json_object_get(c, f->keys[i]) == NULL) return 0;
  }
  return 1;
}

static const format *format_of(const char *name, const json_t *cases) {
  for (size_t i = 0; i < FORMATS; i++) {
    if (strcmp(name, formats[i].name) == 0) return &formats[i];
  }
  for (size_t i = 0; i < FORMATS; i++) {
    if (has_keys(json_array_get(cases, 0), &formats[i])) return &formats[i];
  }
  return NULL;
}

static size_t run_json(run *r, const json_t *cases) {
  const format *f = format_of(r->file, cases);
  if (f == NULL) return 0;
  for (size_t i = 0; i < json_array_size(cases); i++) {
    r->number = i + 1;
    count_verdict(r, json_array_get(cases, i));
    count_case(r, f->function(r, json_array_get(cases, i)));
  }
  return json_array_size(cases);
}

static int ends_with(const char *name, const char *end) {
  size_t length = strlen(name), tail = strlen(end);
  return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* The number of cases; 0 is a file that could not be read, is empty, or has no format known here. */
static size_t run_cases(run *r, const char *path) {
  size_t count = 0;
  if (ends_with(path, ".tl")) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    count = run_schema(r, file);
    fclose(file);
  } else if (ends_with(path, ".json")) {
    json_t *cases = json_load_file(path, JSON_ALLOW_NUL, NULL);
    count = run_json(r, cases);
    json_decref(cases);
  }
  return count;
}

static void run_file(run *r, const char *directory, const char *name) {
  size_t size = strlen(directory) + strlen(name) + 2, failed = r->failed;
  char *path = checked(malloc(size));
  snprintf(path, size, "%s/%s", directory, name);
  r->file = name;
  r->number = 0;
  memset(r->types, 0, sizeof r->types);
  size_t count = run_cases(r, path);
  if (count == 0) {
    r->number = 0;
    count_case(r, fail(r, "no cases in a format that is known"));
  } else if (r->failed == failed) {
    printf("ok  %s  %zu cases\n", name, count);
  }
  free(path);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_folder(const char *directory, const char *name) {
  size_t size = strlen(directory) + strlen(name) + 2;
  char *path = checked(malloc(size));
  snprintf(path, size, "%s/%s", directory, name);
  DIR *folder = opendir(path);
  if (folder != NULL) closedir(folder);
  free(path);
  return folder != NULL;
}

/* Every file but README.md, hidden ones and folders, in the order of names. */
static size_t list_files(const char *directory, char ***names) {
  size_t count = 0;
  DIR *folder = opendir(directory);
  *names = NULL;
  if (folder == NULL) return 0;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    const char *name = entry->d_name;
    if (name[0] == '.' || strcmp(name, "README.md") == 0 || is_folder(directory, name)) continue;
    *names = checked(realloc(*names, (count + 1) * sizeof **names));
    (*names)[count] = checked(malloc(strlen(name) + 1));
    strcpy((*names)[count++], name);
  }
  closedir(folder);
  if (count > 0) qsort(*names, count, sizeof **names, by_name);
  return count;
}

/* G16: of the negative vectors, the inputs that were not taken, and their twins that were. */
static void show_figure(const run *r) {
  if (r->refused == 0) return;
  printf("figure negative-vectors: %zu cases a careful implementation must not take, %zu twins it must, %zu judged otherwise\n", r->refused,
         r->taken, r->failed);
}

static void names_free(char **names, size_t count) {
  for (size_t i = 0; i < count; i++) free(names[i]);
  free(names);
}

/* What computes here, and what could. */
static void show_kernels(const schat__crypto *crypto) {
  const schat__ige_kernel *kernel;
  printf("kernels in use: %s %s\nkernels here:", crypto->ige->name, crypto->sha == NULL ? "openssl" : crypto->sha->name);
  for (size_t i = 0; (kernel = schat__ige_kernel_at(i)) != NULL; i++) printf(" %s", kernel->name);
  printf("\nhashes here:%s openssl\n", schat__sha_force("sha-ni") == SCHAT_OK ? " sha-ni" : "");
  (void)schat__sha_force(NULL);
}

int main(int argc, char **argv) {
  const char *directory = argc > 1 ? argv[1] : SCHAT_VECTORS_DIR;
  char **names = NULL;
  size_t count = list_files(directory, &names);
  run r;
  memset(&r, 0, sizeof r);
  schat__arena_init(&r.arena, NULL, ARENA_LIMIT);
  if (count == 0 || schat__crypto_new(NULL, NULL, NULL, &r.crypto) != SCHAT_OK) {
    fprintf(stderr, "%s: no files, or no such kernel\n", directory);
    names_free(names, count);
    return 2;
  }
  show_kernels(r.crypto);
  for (size_t i = 0; i < count; i++) run_file(&r, directory, names[i]);
  names_free(names, count);
  for (size_t i = 0; i < 2; i++) stand_free(r.stands[i]);
  schat__crypto_free(r.crypto);
  schat__arena_free(&r.arena);
  show_figure(&r);
  printf("%zu passed, %zu failed\n", r.passed, r.failed);
  return r.failed == 0 ? 0 : 1;
}
