/* SPDX-License-Identifier: BSL-1.0
 * report.c - writes reports without a buffer between. */
#define _POSIX_C_SOURCE 200809L

#include "report.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

void canary(uint64_t seed, uint64_t index, uint8_t out[CANARY_SIZE]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0; i < CANARY_SIZE; i++) out[i] = (uint8_t)letters[mix(mix(seed + 1) + index * 1000003u + i) & 63u];
}

static void write_all(const void *data, size_t size) {
  const uint8_t *p = data;
  while (size > 0) {
    ssize_t done = write(REPORT_FD, p, size);
    if (done <= 0) _exit(9);
    p += done;
    size -= (size_t)done;
  }
}

static void write_report(const report_head *head, const void *data) {
  write_all(head, sizeof *head);
  write_all(data, head->size);
}

void report(report_type type, int64_t a, const void *data, size_t size) {
  report_head head = {(uint32_t)type, (uint32_t)size, a, 0, 0, 0};
  write_report(&head, data);
}

void report_record(int64_t account, const schat_record *record) {
  report_head head = {REPORT_RECORD, (uint32_t)record->value.size, account, record->kind, record->chat_id, record->key};
  write_report(&head, record->value.data);
}

static void wait_for_observer(void) {
  uint8_t done;
  if (read(ORDERS_FD, &done, 1) != 1) _exit(9);
}

void report_commit(int64_t account, int status) {
  report_head head = {REPORT_COMMIT, 0, account, status, 0, 0};
  write_report(&head, NULL);
  wait_for_observer();
}

void report_look(const char *name) {
  report(REPORT_LOOK, 0, name, strlen(name));
  (void)raise(SIGSTOP);
}
