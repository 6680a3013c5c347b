/* SPDX-License-Identifier: BSL-1.0
 * image.c - reads a stopped child through /proc and ptrace. */
#define _GNU_SOURCE

#include "image.h"

#if defined(__linux__)

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

static int read_set(pid_t process, uintptr_t set, image_fn fn, void *arg) {
  static uint8_t registers[16384];
  struct iovec where = {registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, process, (void *)set, &where) != 0) return 0;
  fn(arg, "registers", set, registers, where.iov_len);
  return 1;
}

static int read_part(int memory, uint64_t from, uint64_t to, const char *name, image_fn fn, void *arg) {
  size_t size = (size_t)(to - from);
  uint8_t *bytes = malloc(size);
  if (bytes == NULL) return 0;
  size_t done = 0;
  while (done < size) {
    ssize_t got = pread(memory, bytes + done, size - done, (off_t)(from + done));
    if (got <= 0) break;
    done += (size_t)got;
  }
  fn(arg, name, from, bytes, done);
  free(bytes);
  return done == size;
}

/* "from-to perms offset device inode name" */
static int read_mapping(int memory, char *line, image_fn fn, void *arg) {
  uint64_t from, to, inode;
  char permissions[5], name[256] = "anonymous";
  line[strcspn(line, "\n")] = '\0';
  if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64 " %255s", &from, &to, permissions, &inode, name) < 4) return 0;
  if (permissions[0] != 'r' || strcmp(name, "[vvar]") == 0 || strcmp(name, "[vsyscall]") == 0 || strncmp(name, "[vvar_", 6) == 0) return 1;
  if (inode != 0 && permissions[1] != 'w') return 1; /* a file as it stands on the disk */
  return read_part(memory, from, to, name, fn, arg);
}

int image_read(int process, image_fn fn, void *arg) {
  char path[64], line[512];
  int good = read_set(process, NT_PRSTATUS, fn, arg);
#if defined(__x86_64__) || defined(__i386__)
  good = read_set(process, NT_X86_XSTATE, fn, arg) && good;
#else
  good = read_set(process, NT_PRFPREG, fn, arg) && good;
#endif
  (void)snprintf(path, sizeof path, "/proc/%d/mem", process);
  int memory = open(path, O_RDONLY | O_CLOEXEC);
  (void)snprintf(path, sizeof path, "/proc/%d/maps", process);
  FILE *maps = fopen(path, "re");
  good = memory >= 0 && maps != NULL && good;
  while (good && fgets(line, sizeof line, maps) != NULL) good = read_mapping(memory, line, fn, arg);
  if (maps != NULL) (void)fclose(maps);
  if (memory >= 0) (void)close(memory);
  return good;
}

int image_offer(void) {
  return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

int image_continue(int process) {
  return ptrace(PTRACE_CONT, process, NULL, NULL) == 0;
}

#else

int image_read(int process, image_fn fn, void *arg) {
  (void)process, (void)fn, (void)arg;
  return 0;
}

int image_offer(void) {
  return 0;
}

int image_continue(int process) {
  (void)process;
  return 0;
}

#endif
