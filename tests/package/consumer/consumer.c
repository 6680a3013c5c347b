/* SPDX-License-Identifier: BSL-1.0
 * consumer.c - a stranger's program: links, compares versions, opens a store. consumer VERSION STORE */
#include <secretchat/secretchat.h>
#include <secretchat/sqlite.h>

#include <stdio.h>
#include <string.h>

static int open_and_close(const char *path) {
  static const uint8_t storage_key[SCHAT_STORAGE_KEY_SIZE] = {1, 2, 3};
  schat_sqlite *db = NULL;
  schat_manager *manager = NULL;
  schat_config config;
  int status = schat_sqlite_open(path, NULL, &db);
  if (status != SCHAT_OK) return status;
  SCHAT_INIT(config);
  config.store = schat_sqlite_store(db);
  config.storage_key = storage_key;
  status = schat_open(&config, 1700000000000, &manager);
  schat_close(manager);
  schat_sqlite_close(db);
  if (status != SCHAT_OK) return status;
  return schat_sqlite_destroy(path, NULL);
}

int main(int argc, char **argv) {
  int status;
  if (argc != 3) return 2;
  if (strcmp(schat_version(), argv[1]) != 0 || strcmp(SCHAT_VERSION_STRING, argv[1]) != 0) return 3;
  if (schat_version_number() != SCHAT_VERSION_NUMBER) return 4;
  status = open_and_close(argv[2]);
  printf("%s: %s\n", schat_status_name(status), schat_status_text(status));
  return status == SCHAT_OK ? 0 : 5;
}
