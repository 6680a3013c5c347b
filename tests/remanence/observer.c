/* SPDX-License-Identifier: BSL-1.0
 * observer.c - reads what the observed process reports, and looks at its memory and its store when it should. */
#define _POSIX_C_SOURCE 200809L

#include "observer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chat/chat.h"
#include "image.h"
#include "known.h"
#include "memstore.h"

#define ACCOUNTS 2
#define REPORT_MOST (16u << 20)
#define SHOWN 12u
#define HEAD_SIZE 25u /* of a sealed record: what comes before its ciphertext is not secret */

typedef struct {
  pid_t process;
  int reports, orders;
  int quiet;
  const char *scenario_name;
  uint64_t seed;
  known *k;
  windows *dead;
  memstore *mirrors[ACCOUNTS];   /* what is stored */
  windows *dropped[ACCOUNTS];    /* sealed keys that were replaced or removed */
  char databases[ACCOUNTS][256]; /* "": in memory */
  schat_record *batch;           /* of the commit that is being told; values are malloc'ed */
  size_t batch_count, batch_capacity;
  findings *all;
  size_t shown;
} observer;

static void fail(const char *text) {
  fprintf(stderr, "remanence: %s\n", text);
  exit(2);
}

/* Findings ------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  observer *o;
  const char *look, *place;
  uint64_t address;
  const uint8_t *bytes;
  uint64_t end; /* of the last that was shown: what overlaps it is the same */
} where;

static void show(void *arg, size_t offset, uint32_t source) {
  where *w = arg;
  observer *o = w->o;
  char name[64];
  const uint64_t at = w->address + offset;
  const int same = at < w->end;
  w->end = at + WINDOW;
  if (same || o->quiet || o->shown++ >= SHOWN) return;
  printf("  %s, seed %" PRIu64 ", at \"%s\": %s in %s at %#" PRIx64 ":", o->scenario_name, o->seed, w->look, known_name(o->k, source, name),
         w->place, at);
  for (size_t i = 0; w->bytes != NULL && i < WINDOW; i++) printf(" %02x", (unsigned)w->bytes[offset + i]);
  printf(" (%s)\n", w->bytes != NULL ? known_shape(o->k, source, w->bytes + offset) : "");
}

static void show_sealed(void *arg, size_t offset, uint32_t source) {
  const where *w = arg;
  (void)source;
  if (w->o->quiet || w->o->shown++ >= SHOWN) return;
  printf("  %s, seed %" PRIu64 ": a sealed key that was dropped in %s at %zu\n", w->o->scenario_name, w->o->seed, w->place, offset);
}

/* Memory -------------------------------------------------------------------------------------------------------------------- */

static void look_at_part(void *arg, const char *name, uint64_t address, const uint8_t *bytes, size_t size) {
  where *w = arg;
  w->place = name;
  w->address = address;
  w->bytes = bytes;
  w->end = 0;
  w->o->all->memory_found += windows_search(w->o->dead, bytes, size, show, w);
}

/* An event that was handed over stays in the store, sealed, until the next commit (D-35): its text is no finding. */
static int is_text_of_event(const observer *o, const schat_record *record, uint32_t source) {
  return record->kind == SCHAT_RECORD_EVENT && source < o->k->secret_count &&
         (o->k->secrets[source].type == REPORT_TEXT || o->k->secrets[source].type == REPORT_FILE_KEY);
}

typedef struct {
  where w;
  const schat_record *record;
} opened;

static void show_opened(void *arg, size_t offset, uint32_t source) {
  opened *at = arg;
  if (is_text_of_event(at->w.o, at->record, source)) return;
  at->w.o->all->store_found++;
  show(&at->w, offset, source);
}

/* What is sealed must not hold what is not in use. */
static void look_into_store(observer *o, int account, const char *look_name) {
  schat_record record;
  for (size_t key = 0; key < STORAGE_KEYS; key++) {
    schat__sealer *sealer = NULL;
    if (!known_uses_storage_key(o->k, key)) continue; /* closed: what is stored is meant to stay */
    if (schat__sealer_new(NULL, o->k->crypto, o->k->storage_keys[key], &sealer) != SCHAT_OK) fail("no sealer");
    for (size_t i = 0; memstore_record(o->mirrors[account], i, &record); i++) {
      uint8_t aad[SCHAT__AAD_SIZE], *plain;
      if (record.value.size < SCHAT__SEAL_OVERHEAD) continue;
      size_t size = record.value.size - SCHAT__SEAL_OVERHEAD;
      if ((plain = malloc(size + 1)) == NULL) fail("no memory");
      schat__record_aad(aad, record.kind, record.chat_id, record.key);
      opened at = {{o, look_name, "an unsealed record", record.kind * 0x100000u, plain, 0}, &record};
      if (schat__unseal(sealer, aad, sizeof aad, record.value.data, record.value.size, plain) == 1) {
        (void)windows_search(o->dead, plain, size, show_opened, &at);
      }
      free(plain);
    }
    schat__sealer_free(sealer);
  }
}

static void look(observer *o, const uint8_t *name, size_t size) {
  char text[64];
  int status;
  (void)snprintf(text, sizeof text, "%.*s", (int)size, (const char *)name);
  if (waitpid(o->process, &status, WUNTRACED) != o->process || !WIFSTOPPED(status)) fail("the process did not stop");
  known_dead(o->k, o->dead);
  o->all->looks++;
  o->all->windows += windows_count(o->dead);
  where w = {o, text, "", 0, NULL, 0};
  if (!image_read(o->process, look_at_part, &w)) fail("the process's memory cannot be read");
  for (int i = 0; i < ACCOUNTS; i++) look_into_store(o, i, text);
  if (!image_continue(o->process)) fail("the process does not go on");
}

/* The store ------------------------------------------------------------------------------------------------------------------ */

static void add_record(observer *o, const report_head *head, const uint8_t *bytes) {
  if (o->batch_count == o->batch_capacity) {
    o->batch_capacity = o->batch_capacity == 0 ? 16 : 2 * o->batch_capacity;
    if ((o->batch = realloc(o->batch, o->batch_capacity * sizeof *o->batch)) == NULL) fail("no memory");
  }
  schat_record *record = &o->batch[o->batch_count++];
  uint8_t *value = malloc(head->size + 1u);
  if (value == NULL) fail("no memory");
  memcpy(value, bytes, head->size);
  record->kind = (uint32_t)head->b;
  record->chat_id = (int32_t)head->c;
  record->key = head->d;
  record->value.data = value;
  record->value.size = head->size;
}

static void forget_batch(observer *o) {
  for (size_t i = 0; i < o->batch_count; i++) free((void *)(uintptr_t)o->batch[i].value.data);
  o->batch_count = 0;
}

static void look_at_file(observer *o, int account, const char *end) {
  char path[300], place[320];
  (void)snprintf(path, sizeof path, "%s%s", o->databases[account], end);
  FILE *f = fopen(path, "rb");
  if (f == NULL) return;
  uint8_t *bytes = malloc(REPORT_MOST);
  if (bytes == NULL) fail("no memory");
  size_t size = fread(bytes, 1, REPORT_MOST, f);
  (void)fclose(f);
  (void)snprintf(place, sizeof place, "the database%s", end);
  where w = {o, "a commit", place, 0, bytes, 0};
  o->all->store_found += windows_search(o->k->all, bytes, size, show, &w);
  o->all->store_found += windows_search(o->dropped[account], bytes, size, show_sealed, &w);
  free(bytes);
}

/* A key record that is replaced leaves its old, sealed bytes nowhere. */
static void apply(observer *o, int account, const schat_record *record) {
  schat_record old;
  if (record->kind == SCHAT_RECORD_KEYS && memstore_get(o->mirrors[account], record->kind, record->chat_id, record->key, &old)) {
    if (old.value.size > HEAD_SIZE) windows_add(o->dropped[account], NULL, old.value.data + HEAD_SIZE, old.value.size - HEAD_SIZE, 0);
  }
  memstore_put(o->mirrors[account], record);
}

static void take_commit(observer *o, int account, int status) {
  where w = {o, "a commit", "a record", 0, NULL, 0};
  o->all->commits++;
  for (size_t i = 0; i < o->batch_count; i++) {
    const schat_record *record = &o->batch[i];
    if (status < 0) break;
    o->all->store_found += windows_search(o->k->all, record->value.data, record->value.size, show, &w);
    if (record->value.size >= SCHAT__SEAL_OVERHEAD) known_salt(o->k, record->value.data + 1);
    apply(o, account, record);
  }
  forget_batch(o);
  if (o->databases[account][0] == '\0') return;
  static const char *const ends[] = {"", "-wal", "-journal", "-shm"};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) look_at_file(o, account, ends[i]);
}

/* Reports -------------------------------------------------------------------------------------------------------------------- */

static int read_all(int fd, void *out, size_t size) {
  uint8_t *p = out;
  while (size > 0) {
    ssize_t got = read(fd, p, size);
    if (got <= 0) return 0;
    p += got;
    size -= (size_t)got;
  }
  return 1;
}

static void order(const observer *o, const void *bytes, size_t size) {
  if (write(o->orders, bytes, size) != (ssize_t)size) fail("no orders can be given");
}

static int account_of(const report_head *head) {
  if (head->a < 0 || head->a >= ACCOUNTS) fail("no such account");
  return (int)head->a;
}

static void take(observer *o, const report_head *head, const uint8_t *bytes) {
  switch ((report_type)head->type) {
    case REPORT_STORAGE_KEY:
      known_secret(o->k, REPORT_STORAGE_KEY, head->a, bytes, 0);
      if (head->size > 0) order(o, o->k->storage_keys[head->a], sizeof o->k->storage_keys[head->a]);
      break;
    case REPORT_DELIVERED:
      if (known_is_text(o->k, bytes, head->size)) o->all->texts++;
      break;
    case REPORT_PACKET:
      known_packet(o->k, (int)head->a, bytes, head->size);
      break;
    case REPORT_RECORD:
      add_record(o, head, bytes);
      break;
    case REPORT_COMMIT:
      take_commit(o, account_of(head), (int)head->b);
      order(o, "", 1);
      break;
    case REPORT_RESET:
      memstore_free(o->mirrors[account_of(head)]);
      o->mirrors[account_of(head)] = memstore_new();
      break;
    case REPORT_DATABASE:
      (void)snprintf(o->databases[account_of(head)], sizeof o->databases[0], "%.*s", (int)head->size, (const char *)bytes);
      break;
    case REPORT_ALIVE:
      known_begin_alive(o->k);
      break;
    case REPORT_LOOK:
      look(o, bytes, head->size);
      break;
    default:
      known_secret(o->k, (report_type)head->type, head->a, bytes, head->size);
  }
}

static void take_all(observer *o) {
  report_head head;
  while (read_all(o->reports, &head, sizeof head)) {
    uint8_t *bytes = head.size <= REPORT_MOST ? malloc(head.size + 1u) : NULL;
    if (bytes == NULL || !read_all(o->reports, bytes, head.size)) fail("a report that ends too early");
    take(o, &head, bytes);
    free(bytes);
  }
}

/* The process ---------------------------------------------------------------------------------------------------------------- */

/* Its own memory, nothing of the observer's: it is another program from the first instruction on. */
static _Noreturn void become(const char *program, const char *scenario_name, uint64_t seed, const char *directory, const int reports[2],
                             const int orders[2]) {
  char number[32];
  int out = fcntl(reports[1], F_DUPFD, 10), in = fcntl(orders[0], F_DUPFD, 10);
  (void)snprintf(number, sizeof number, "%" PRIu64, seed);
  if (out < 0 || in < 0 || dup2(out, REPORT_FD) < 0 || dup2(in, ORDERS_FD) < 0) _exit(7);
  for (int fd = 5; fd < 64; fd++) (void)close(fd);
  (void)execl(program, program, "--observed", scenario_name, number, directory, (char *)NULL);
  _exit(7);
}

static void start(observer *o, const char *program, const char *directory) {
  int reports[2], orders[2];
  if (pipe(reports) != 0 || pipe(orders) != 0) fail("no pipes");
  (void)fflush(stdout);
  o->process = fork();
  if (o->process == 0) become(program, o->scenario_name, o->seed, directory, reports, orders);
  if (o->process < 0) fail("no process");
  (void)close(reports[1]);
  (void)close(orders[0]);
  o->reports = reports[0];
  o->orders = orders[1];
}

static int end(observer *o) {
  int status;
  (void)close(o->reports);
  (void)close(o->orders);
  return waitpid(o->process, &status, 0) == o->process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void observe(const char *program, const char *scenario_name, uint64_t seed, const char *directory, int quiet, findings *all) {
  observer o;
  memset(&o, 0, sizeof o);
  o.scenario_name = scenario_name;
  o.seed = seed;
  o.quiet = quiet;
  o.all = all;
  o.k = known_new(seed);
  o.dead = windows_new();
  for (int i = 0; i < ACCOUNTS; i++) {
    o.mirrors[i] = memstore_new();
    o.dropped[i] = windows_new();
  }
  start(&o, program, directory);
  take_all(&o);
  all->runs++;
  if (!end(&o)) {
    all->broken++;
    printf("  %s, seed %" PRIu64 ": the process failed\n", scenario_name, seed);
  }
  for (int i = 0; i < ACCOUNTS; i++) {
    memstore_free(o.mirrors[i]);
    windows_free(o.dropped[i]);
  }
  forget_batch(&o);
  free(o.batch);
  windows_free(o.dead);
  known_free(o.k);
}
