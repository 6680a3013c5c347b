/* SPDX-License-Identifier: BSL-1.0
 * host.h - two accounts and a server in the observed process. A host that keeps nothing itself: texts and keys of its own stand in one
 * place each and are wiped when they were handed over, and every secret the library comes to hold is told to the observer. */
#ifndef TESTS_REMANENCE_HOST_H
#define TESTS_REMANENCE_HOST_H

#include "manager/manager.h"
#include "memstore.h"
#include "relay.h"
#include "secretchat/sqlite.h"

#define ACCOUNTS 2
#define TEXTS_MOST 1024u

typedef struct {
  int account;
  int32_t chat_id;
  int64_t random_id;
  int with_file;
  uint8_t file_key[64]; /* only while it is made: wiped */
} host_text;

typedef struct host host;

typedef struct {
  host *h;
  int index;
  schat_manager *manager; /* NULL: closed */
  int64_t user_id;
  int device;
  int deaf; /* what the server pushes is lost on it */
  schat_policy policy;
  schat_store store; /* tells what is stored, and passes it on */
  const schat_store *inner;
  memstore *memory; /* one of the two */
  schat_sqlite *sqlite;
  char path[256];
  uint64_t random_state;
  size_t storage_key; /* which of the observer's */
} host_account;

struct host {
  uint64_t seed;
  int64_t now;
  relay *server;
  host_account accounts[ACCOUNTS];
  host_text texts[TEXTS_MOST];
  size_t text_count;
  int own_random;    /* the library's generators instead of the host's */
  int peeking;       /* schat_peek and schat_pop instead of callbacks */
  int long_allocate; /* allocations that succeed before one fails; -1: all */
  int failed;        /* whether one has */
  size_t events;
};

/* `directory`: for SQLite files; NULL: in memory. */
host *host_new(uint64_t seed, const char *directory, const schat_policy *policy);
/* Everything is closed and freed. */
void host_free(host *h);

/* schat_open with the account's storage key, or another: status. */
int host_open(host *h, int account, size_t storage_key);
void host_close(host *h, int account);

/* Until nothing more is to be done now; and with the time that passes. */
void host_run(host *h);
void host_pass(host *h, int64_t milliseconds);
/* Account 0 asks, 1 accepts. */
int32_t host_chat(host *h);

/* The next canary as the text of a message, with the keys of a file or not: status. */
int host_text_with(host *h, int account, int32_t chat_id, int32_t ttl, int with_file);
int host_say(host *h, int account, int32_t chat_id);
/* Both say something `count` times, in turns, and all of it arrives and is confirmed. */
void host_talk(host *h, int32_t chat_id, int count);

/* Tells all that the library holds; called after every input. */
void host_tell(host *h);
/* Tells what is in use, and stops to be looked at. */
void host_look(host *h, const char *name);

void host_need(int condition, const char *text);

#endif
