/* SPDX-License-Identifier: BSL-1.0
 * scenarios.c - the ways in which keys and texts come to their end. */
#include "scenarios.h"

#include <stdlib.h>
#include <string.h>

#include "failing_openssl.h"
#include "host.h"
#include "report.h"

#define NEED(condition) host_need(condition, __FILE__ ": not so: " #condition)
#define DAY (INT64_C(86400) * 1000)

static schat_manager *manager_of(const host *h, int account) {
  return h->accounts[account].manager;
}

static int64_t last_id(const host *h) {
  return h->texts[h->text_count - 1].random_id;
}

/* Both closed: nothing at all is in use. */
static void close_both(host *h) {
  for (int i = 0; i < ACCOUNTS; i++) host_close(h, i);
  host_look(h, "closed");
  host_free(h);
}

static void talk_and_close(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = host_chat(h);
  host_look(h, "ready");
  host_talk(h, chat_id, 12);
  host_look(h, "talking");
  close_both(h);
}

static void expire(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = host_chat(h);
  for (int i = 0; i < 6; i++) NEED(host_text_with(h, i % 2, chat_id, 5 + i, i % 3 == 0) == SCHAT_OK);
  host_run(h);
  for (int i = 0; i < ACCOUNTS; i++) (void)schat_messages_read(manager_of(h, i), chat_id, relay_date(h->now), h->now);
  for (size_t i = 0; i < h->text_count; i++) {
    (void)schat_messages_opened(manager_of(h, 1 - h->texts[i].account), chat_id, &h->texts[i].random_id, 1, h->now);
  }
  host_pass(h, 60000);
  host_look(h, "expired");
  close_both(h);
}

/* Delivered ones, ones that nobody has got, all. */
static void delete_messages(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = host_chat(h);
  host_talk(h, chat_id, 4);
  int64_t id = last_id(h);
  NEED(schat_messages_delete(manager_of(h, 1), chat_id, &id, 1, 0, h->now) == SCHAT_OK);
  host_run(h);
  h->accounts[1].deaf = 1;
  for (int i = 0; i < 3; i++) NEED(host_say(h, 0, chat_id) == SCHAT_OK);
  host_run(h);
  id = last_id(h);
  NEED(schat_messages_delete(manager_of(h, 0), chat_id, &id, 1, 0, h->now) == SCHAT_OK);
  host_look(h, "deleted");
  NEED(schat_history_flush(manager_of(h, 0), chat_id, 0, h->now) == SCHAT_OK);
  host_run(h);
  host_look(h, "flushed");
  close_both(h);
}

static void rekey(uint64_t seed, const char *directory) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.rekey_messages = 4;
  host *h = host_new(seed, directory, &policy);
  int32_t chat_id = host_chat(h);
  for (int i = 0; i < 4; i++) {
    host_talk(h, chat_id, 6);
    host_look(h, "rekeyed");
  }
  close_both(h);
}

/* The wrong storage key, a damaged store, one that cannot be read, no memory: each leaves nothing. */
static void fail_to_open(uint64_t seed, const char *directory) {
  host *h = host_new(seed, NULL, NULL);
  (void)directory;
  int32_t chat_id = host_chat(h);
  host_talk(h, chat_id, 4);
  h->accounts[1].deaf = 1;
  NEED(host_say(h, 0, chat_id) == SCHAT_OK);
  host_close(h, 0);
  host_close(h, 1);
  NEED(host_open(h, 0, 2) == SCHAT_E_KEY);
  host_look(h, "wrong storage key");
  memstore_fail_scan(h->accounts[0].memory, 1, SCHAT_E_STORE, 0);
  NEED(host_open(h, 0, 0) == SCHAT_E_STORE);
  host_look(h, "unreadable store");
  memstore *whole = memstore_clone(h->accounts[0].memory);
  for (size_t i = 0; i < memstore_count(whole, 0); i++) {
    memstore *damaged = memstore_clone(whole);
    memstore_flip_bit(damaged, i, 8 * 60 + 3);
    h->accounts[0].inner = memstore_store(damaged);
    NEED(host_open(h, 0, 0) < 0);
    if (i % 3 == 0) host_look(h, "damaged store");
    memstore_free(damaged);
  }
  h->accounts[0].inner = memstore_store(whole);
  for (int n = 0; n < 200; n++) {
    h->long_allocate = n;
    h->failed = 0;
    int status = host_open(h, 0, 0);
    h->long_allocate = -1;
    if (status >= 0) break;
    if (n % 9 == 0) host_look(h, "opened without memory");
  }
  NEED(manager_of(h, 0) != NULL);
  host_close(h, 0);
  host_look(h, "closed");
  h->accounts[0].inner = memstore_store(h->accounts[0].memory);
  memstore_free(whole);
  host_free(h);
}

/* Every allocation of a send, of a receipt, of a rekeying fails once. */
static void run_out_of_memory(uint64_t seed, const char *directory) {
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.rekey_messages = 5;
  host *h = host_new(seed, directory, &policy);
  int32_t chat_id = host_chat(h);
  for (int n = 0; n < 60; n++) {
    h->long_allocate = n;
    int status = host_say(h, n % 2, chat_id);
    if (n % 3 == 0) host_run(h); /* what is received and answered without memory */
    h->long_allocate = -1;
    if (status < 0) h->texts[h->text_count - 1].random_id = 0;
    if (n % 10 == 0) host_look(h, "without memory");
    host_pass(h, 120000);
  }
  host_talk(h, chat_id, 2);
  host_look(h, "memory again");
  close_both(h);
}

/* The same inside libcrypto. */
static void run_out_of_crypto(uint64_t seed, const char *directory) {
  NEED(openssl_install());
  schat_policy policy;
  SCHAT_INIT(policy);
  policy.rekey_messages = 5;
  host *h = host_new(seed, directory, &policy);
  int32_t chat_id = host_chat(h);
  for (int n = 0; n < 40; n++) {
    openssl_fail_after(n);
    int status = host_text_with(h, n % 2, chat_id, 0, 0);
    host_run(h);
    openssl_recover();
    if (status < 0) h->texts[h->text_count - 1].random_id = 0;
    NEED(host_say(h, n % 2, chat_id) == SCHAT_OK);
    if (n % 8 == 0) host_look(h, "without memory for libcrypto");
    host_pass(h, 120000);
  }
  host_talk(h, chat_id, 2);
  host_look(h, "memory again");
  host_close(h, 0);
  for (int n = 0; n < 60; n++) {
    openssl_fail_after(n);
    int status = host_open(h, 0, 0);
    openssl_recover();
    if (status >= 0) break;
    if (n % 12 == 0) host_look(h, "opened without memory for libcrypto");
  }
  close_both(h);
}

static void discard(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = host_chat(h), other = host_chat(h);
  host_talk(h, chat_id, 5);
  host_talk(h, other, 2);
  h->accounts[1].deaf = 1;
  NEED(host_say(h, 0, chat_id) == SCHAT_OK);
  host_run(h);
  h->accounts[1].deaf = 0;
  NEED(schat_chat_discard(manager_of(h, 0), chat_id, SCHAT_DISCARD_HISTORY, h->now) >= 0);
  host_run(h);
  host_look(h, "discarded");
  NEED(schat_chat_discard(manager_of(h, 1), other, SCHAT_DISCARD_FLUSH_FIRST, h->now) >= 0);
  host_pass(h, 30000);
  host_look(h, "flushed and discarded");
  NEED(schat_chat_forget(manager_of(h, 0), chat_id, h->now) >= 0);
  host_look(h, "forgotten");
  close_both(h);
}

static void wipe(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = host_chat(h);
  host_talk(h, chat_id, 5);
  h->accounts[1].deaf = 1;
  for (int i = 0; i < 5; i++) NEED(host_say(h, 0, chat_id) == SCHAT_OK);
  for (int i = 0; i < ACCOUNTS; i++) {
    NEED(schat_wipe(manager_of(h, i), h->now) == SCHAT_OK);
    host_look(h, "wiped");
  }
  close_both(h);
}

static void lose_handshakes(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = 0;
  NEED(schat_chat_create(manager_of(h, 0), h->accounts[1].user_id, h->now, &chat_id) == SCHAT_OK);
  host_run(h);
  NEED(schat_chat_discard(manager_of(h, 0), chat_id, 0, h->now) >= 0);
  host_run(h);
  host_look(h, "taken back");
  NEED(schat_chat_create(manager_of(h, 0), h->accounts[1].user_id, h->now, &chat_id) == SCHAT_OK);
  host_run(h);
  NEED(schat_chat_discard(manager_of(h, 1), chat_id, 0, h->now) >= 0);
  host_run(h);
  host_look(h, "declined");
  NEED(schat_chat_create(manager_of(h, 0), h->accounts[1].user_id, h->now, &chat_id) == SCHAT_OK);
  host_run(h);
  for (int n = 0; n < 12; n++) {
    h->long_allocate = n;
    if (schat_chat_accept(manager_of(h, 1), chat_id, h->now) >= 0) break;
    h->long_allocate = -1;
    if (n % 4 == 0) host_look(h, "accepted without memory");
  }
  h->long_allocate = -1;
  host_pass(h, 120000);
  close_both(h);
}

/* Messages are lost and asked for again; some wait when the chat ends. */
static void lose_messages(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = host_chat(h);
  relay_faults faults;
  memset(&faults, 0, sizeof faults);
  faults.drop_for_good = 0.3;
  faults.reorder = 0.2;
  host_talk(h, chat_id, 2);
  relay_set_faults(h->server, &faults);
  for (int i = 0; i < 20; i++) {
    NEED(host_say(h, i % 3 == 0, chat_id) >= 0);
    host_run(h);
  }
  faults.drop_for_good = 0;
  relay_set_faults(h->server, &faults);
  host_talk(h, chat_id, 2);
  host_pass(h, DAY);
  host_talk(h, chat_id, 2);
  host_pass(h, DAY);
  host_look(h, "recovered");
  faults.drop_for_good = 0.5;
  relay_set_faults(h->server, &faults);
  for (int i = 0; i < 10; i++) NEED(host_say(h, 0, chat_id) >= 0);
  host_run(h);
  NEED(schat_chat_discard(manager_of(h, 1), chat_id, 0, h->now) >= 0);
  host_run(h);
  host_look(h, "discarded with a gap");
  close_both(h);
}

/* The store refuses: nothing was sent, and nothing of it stays. */
static void fail_to_store(uint64_t seed, const char *directory) {
  (void)directory;
  host *h = host_new(seed, NULL, NULL);
  int32_t chat_id = host_chat(h);
  host_talk(h, chat_id, 3);
  for (int i = 0; i < 6; i++) {
    memstore_fail_commit(h->accounts[i % 2].memory, 1, i % 3 == 0 ? SCHAT_E_FULL : SCHAT_E_STORE, 0);
    NEED(host_say(h, i % 2, chat_id) < 0);
    h->texts[h->text_count - 1].random_id = 0;
    host_look(h, "refused by the store");
  }
  NEED(host_say(h, 0, chat_id) == SCHAT_OK);
  memstore_fail_commit(h->accounts[1].memory, 1, SCHAT_E_STORE, 0);
  host_run(h);
  host_pass(h, 60000);
  host_talk(h, chat_id, 1);
  host_look(h, "stored again");
  close_both(h);
}

/* Closed and opened again and again; what waits is sent again. */
static void restart(uint64_t seed, const char *directory) {
  host *h = host_new(seed, directory, NULL);
  int32_t chat_id = host_chat(h);
  for (int i = 0; i < 4; i++) {
    host_talk(h, chat_id, 2);
    h->accounts[1].deaf = 1;
    NEED(host_say(h, 0, chat_id) == SCHAT_OK);
    host_run(h);
    h->accounts[1].deaf = 0;
    for (int account = 0; account < ACCOUNTS; account++) {
      host_close(h, account);
      host_look(h, "one is closed");
      NEED(host_open(h, account, (size_t)account) == SCHAT_OK);
    }
    host_pass(h, 60000);
  }
  close_both(h);
}

/* Streams of files: whole, in pieces, left in the middle. */
static void files(uint64_t seed, const char *directory) {
  static uint8_t keys[64], plain[CANARY_SIZE], sealed[80];
  schat_file *file = NULL;
  size_t written;
  (void)directory;
  for (uint64_t i = 0; i < 12; i++) {
    NEED(schat_file_generate(NULL, NULL, keys, keys + 32) == SCHAT_OK);
    report(REPORT_FILE_KEY, 100000 + (int64_t)i, keys, sizeof keys);
    report(REPORT_TEXT, (int64_t)i, NULL, 0);
    canary(seed, i, plain);
    NEED(schat_file_encrypt_begin(NULL, keys, keys + 32, CANARY_SIZE, NULL, NULL, &file) == SCHAT_OK);
    NEED(schat_file_update(file, plain, 32, sealed, &written) == SCHAT_OK);
    if (i % 3 != 2) NEED(schat_file_update(file, plain + 32, CANARY_SIZE - 32, sealed + 32, &written) == SCHAT_OK);
    schat_file_free(file);
    schat_encrypted_file description;
    memset(&description, 0, sizeof description);
    description.size = 80;
    NEED(schat_file_fingerprint(keys, keys + 32, &description.key_fingerprint) == SCHAT_OK);
    if (i % 4 == 3) description.key_fingerprint ^= 1;
    int status = schat_file_decrypt_begin(NULL, keys, keys + 32, CANARY_SIZE, &description, &file);
    NEED(status == (i % 4 == 3 ? SCHAT_E_FINGERPRINT : SCHAT_OK));
    if (status == SCHAT_OK) {
      NEED(schat_file_update(file, sealed, i % 3 == 2 ? 32 : 80, plain, &written) == SCHAT_OK);
      if (written == CANARY_SIZE) report(REPORT_DELIVERED, 0, plain, CANARY_SIZE);
      schat_file_free(file);
    }
    schat__wipe(keys, sizeof keys);
    schat__wipe(plain, sizeof plain);
    report(REPORT_ALIVE, 0, NULL, 0);
    report_look("file closed");
  }
}

const scenario scenarios[] = {
    {"talk", talk_and_close},
    {"rekey", rekey},
    {"expiry", expire},
    {"deletion", delete_messages},
    {"discard", discard},
    {"wipe", wipe},
    {"failed-open", fail_to_open},
    {"no-memory", run_out_of_memory},
    {"files", files},
    {"restart", restart},
    {"handshakes", lose_handshakes},
    {"losses", lose_messages},
    {"failed-store", fail_to_store},
    {"no-memory-crypto", run_out_of_crypto},
    {NULL, NULL},
};

const scenario *scenario_find(const char *name) {
  for (const scenario *s = scenarios; s->name != NULL; s++) {
    if (strcmp(s->name, name) == 0) return s;
  }
  for (const scenario *s = leaky_scenarios; s->name != NULL; s++) {
    if (strcmp(s->name, name) == 0) return s;
  }
  return NULL;
}
