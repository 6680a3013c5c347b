/* SPDX-License-Identifier: BSL-1.0
 * status.c - the names and texts of statuses, and the version that runs. */
#include "secretchat/secretchat.h"

typedef struct {
  int number;
  const char *name;
  const char *text;
} status_row;

static const status_row status_rows[] = {
#define STATUS_ROW(name, number, text) {number, #name, text},
    SCHAT_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static const status_row *find_status(int status) {
  for (size_t i = 0; i < sizeof status_rows / sizeof status_rows[0]; i++) {
    if (status_rows[i].number == status) return &status_rows[i];
  }
  return NULL;
}

const char *schat_status_text(int status) {
  const status_row *row = find_status(status);
  return row != NULL ? row->text : "unknown status";
}

const char *schat_status_name(int status) {
  const status_row *row = find_status(status);
  return row != NULL ? row->name : "SCHAT_UNKNOWN";
}

const char *schat_version(void) {
  return SCHAT_VERSION_STRING;
}

uint32_t schat_version_number(void) {
  return SCHAT_VERSION_NUMBER;
}
