/* SPDX-License-Identifier: BSL-1.0
 * standalone.c - gives a target the inputs named on the command line: files, and all files of directories; "-" or nothing is standard
 * input. For AFL++, for looking at one finding, and for the tests that replay what is kept. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static size_t inputs;

/* The target gets a block of exactly the input's size, so that a sanitizer sees every byte read past it. */
static void give(FILE *file) {
  size_t size = 0, capacity = 1 << 16, got;
  uint8_t *data = malloc(capacity);
  while (data != NULL && (got = fread(data + size, 1, capacity - size, file)) > 0) {
    size += got;
    if (size == capacity) data = realloc(data, capacity *= 2);
  }
  uint8_t *exact = malloc(size + (size == 0));
  if (data == NULL || exact == NULL) exit(2);
  memcpy(exact, data, size);
  free(data);
  (void)LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  inputs++;
}

static void give_path(const char *path) {
  DIR *directory = opendir(path);
  if (directory == NULL) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
      perror(path);
      exit(2);
    }
    give(file);
    fclose(file);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    char inner[4096];
    if (entry->d_name[0] == '.') continue;
    if ((size_t)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < sizeof inner) give_path(inner);
  }
  closedir(directory);
}

int main(int argc, char **argv) {
  if (argc < 2 || strcmp(argv[1], "-") == 0) {
    give(stdin);
    return 0;
  }
  for (int i = 1; i < argc; i++) give_path(argv[i]);
  printf("%lu inputs\n", (unsigned long)inputs);
  return inputs > 0 ? 0 : 1;
}
