/* SPDX-License-Identifier: BSL-1.0
 * memstore.c - a schat_store in memory, deterministic, that can fail, delay, crash and be damaged on purpose. */
#include "memstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint32_t kind;
  int32_t chat_id;
  int64_t key;
  uint8_t *value;
  size_t size;
} entry;

typedef struct {
  entry *entries; /* sorted by name */
  size_t count, capacity;
} image;

typedef struct {
  uint64_t ticket, generation;
  entry *entries;
  size_t count;
  memstore_event *events;
  size_t event_count;
} batch_copy;

typedef struct {
  batch_copy *batches;
  size_t count, capacity;
} batch_list;

typedef struct {
  size_t in; /* calls until the failure; 0: none */
  int status, for_ever;
} failure;

struct memstore {
  schat_store store;
  image now;    /* with everything stored */
  image synced; /* at the last memstore_sync */
  batch_list journal, queue;
  int pending, reverse;
  failure commit_failure, scan_failure;
  memstore_hook hook;
  void *hook_arg;
  uint64_t generation;
  size_t commits, refused, scans;
  memstore_event *events;
  size_t event_count, event_capacity, synced_events;
};

/* Memory ------------------------------------------------------------------------------------------------------------------- */

static void *must(void *p) {
  if (p == NULL) {
    fputs("memstore: no memory\n", stderr);
    exit(99);
  }
  return p;
}

static void *copy_of(const void *data, size_t size) {
  void *p = must(malloc(size + 1));
  if (size > 0) memcpy(p, data, size);
  ((char *)p)[size] = '\0';
  return p;
}

/* Makes room for one more element. */
static void *grown(void *p, size_t count, size_t *capacity, size_t element) {
  if (count < *capacity) return p;
  *capacity = *capacity == 0 ? 8 : 2 * *capacity;
  return must(realloc(p, *capacity * element));
}

/* Images ------------------------------------------------------------------------------------------------------------------- */

static int compare(const entry *a, const entry *b) {
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->chat_id != b->chat_id) return a->chat_id < b->chat_id ? -1 : 1;
  if (a->key != b->key) return a->key < b->key ? -1 : 1;
  return 0;
}

/* Where the entry of that name is, or would be. */
static size_t place_of(const image *im, const entry *name, int *found) {
  size_t low = 0, high = im->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (compare(&im->entries[middle], name) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  *found = low < im->count && compare(&im->entries[low], name) == 0;
  return low;
}

static void image_remove(image *im, size_t at) {
  free(im->entries[at].value);
  im->count--;
  memmove(&im->entries[at], &im->entries[at + 1], (im->count - at) * sizeof *im->entries);
}

static void image_insert(image *im, size_t at, const entry *e) {
  im->entries = grown(im->entries, im->count, &im->capacity, sizeof *im->entries);
  memmove(&im->entries[at + 1], &im->entries[at], (im->count - at) * sizeof *im->entries);
  im->count++;
  im->entries[at] = *e;
  im->entries[at].value = copy_of(e->value, e->size);
}

static void image_apply(image *im, const entry *e) {
  int found;
  const size_t at = place_of(im, e, &found);
  if (found) image_remove(im, at);
  if (e->size > 0) image_insert(im, at, e);
}

static void image_clear(image *im) {
  size_t i;
  for (i = 0; i < im->count; i++) free(im->entries[i].value);
  free(im->entries);
  memset(im, 0, sizeof *im);
}

static void image_copy(image *to, const image *from) {
  size_t i;
  image_clear(to);
  for (i = 0; i < from->count; i++) image_insert(to, i, &from->entries[i]);
}

static void to_record(const entry *e, schat_record *record) {
  record->kind = e->kind;
  record->chat_id = e->chat_id;
  record->key = e->key;
  record->value.data = e->value;
  record->value.size = e->size;
}

static entry copy_record(const schat_record *record) {
  entry e;
  e.kind = record->kind;
  e.chat_id = record->chat_id;
  e.key = record->key;
  e.size = record->value.size;
  e.value = copy_of(record->value.data, e.size);
  return e;
}

/* Batches ------------------------------------------------------------------------------------------------------------------ */

static memstore_event copy_event(const schat_event *event) {
  memstore_event e;
  memset(&e, 0, sizeof e);
  e.type = event->type;
  e.chat_id = event->chat_id;
  e.id = event->id;
  e.repeated = event->repeated;
  e.reason = event->reason;
  e.date = event->date;
  e.value = event->value;
  e.place = event->place;
  e.random_id = event->random_id;
  if (event->message != NULL) e.text_size = event->message->text.size;
  e.text = copy_of(e.text_size > 0 ? event->message->text.data : NULL, e.text_size);
  return e;
}

static batch_copy copy_batch(const schat_batch *batch) {
  batch_copy b;
  size_t i;
  b.ticket = batch->ticket;
  b.generation = batch->generation;
  b.count = batch->record_count;
  b.entries = must(calloc(b.count + 1, sizeof *b.entries));
  for (i = 0; i < b.count; i++) b.entries[i] = copy_record(&batch->records[i]);
  b.event_count = batch->event_count;
  b.events = must(calloc(b.event_count + 1, sizeof *b.events));
  for (i = 0; i < b.event_count; i++) b.events[i] = copy_event(&batch->events[i]);
  return b;
}

static void batch_free(batch_copy *b) {
  size_t i;
  for (i = 0; i < b->count; i++) free(b->entries[i].value);
  for (i = 0; i < b->event_count; i++) free(b->events[i].text);
  free(b->entries);
  free(b->events);
}

static void list_add(batch_list *list, batch_copy b) {
  list->batches = grown(list->batches, list->count, &list->capacity, sizeof *list->batches);
  list->batches[list->count++] = b;
}

static void list_clear(batch_list *list) {
  size_t i;
  for (i = 0; i < list->count; i++) batch_free(&list->batches[i]);
  free(list->batches);
  memset(list, 0, sizeof *list);
}

static void add_event(memstore *m, const memstore_event *event) {
  m->events = grown(m->events, m->event_count, &m->event_capacity, sizeof *m->events);
  m->events[m->event_count] = *event;
  m->events[m->event_count++].text = copy_of(event->text, event->text_size);
}

/* Makes a batch durable; the journal owns it from now on. */
static void store_batch(memstore *m, batch_copy b) {
  size_t i;
  for (i = 0; i < b.count; i++) image_apply(&m->now, &b.entries[i]);
  for (i = 0; i < b.event_count; i++) add_event(m, &b.events[i]);
  if (b.generation > m->generation) m->generation = b.generation;
  m->commits++;
  list_add(&m->journal, b);
}

/* The vtable --------------------------------------------------------------------------------------------------------------- */

/* Counts a call; 1 when it is to fail. */
static int fails(failure *f) {
  if (f->in == 0) return 0;
  if (f->in > 1) {
    f->in--;
    return 0;
  }
  if (!f->for_ever) f->in = 0;
  return 1;
}

static int commit(void *user_data, const schat_batch *batch) {
  memstore *m = user_data;
  if (m->hook != NULL) m->hook(m->hook_arg, m, batch, 0);
  if (fails(&m->commit_failure)) {
    m->refused++;
    return m->commit_failure.status;
  }
  if (m->pending) {
    list_add(&m->queue, copy_batch(batch));
    return SCHAT_PENDING;
  }
  store_batch(m, copy_batch(batch));
  if (m->hook != NULL) m->hook(m->hook_arg, m, batch, 1);
  return SCHAT_OK;
}

static int scan(void *user_data, schat_record_fn fn, void *arg) {
  memstore *m = user_data;
  const int failing = fails(&m->scan_failure);
  const size_t count = failing ? m->now.count / 2 : m->now.count;
  size_t i;
  m->scans++;
  for (i = 0; i < count; i++) {
    schat_record record;
    int status;
    to_record(&m->now.entries[m->reverse ? m->now.count - 1 - i : i], &record);
    status = fn(arg, &record);
    if (status != 0) return status;
  }
  return failing ? m->scan_failure.status : SCHAT_OK;
}

static uint64_t highest_generation(void *user_data) {
  return ((const memstore *)user_data)->generation;
}

memstore *memstore_new(void) {
  memstore *m = must(calloc(1, sizeof *m));
  m->store.size = sizeof m->store;
  m->store.user_data = m;
  m->store.commit = commit;
  m->store.scan = scan;
  return m;
}

void memstore_free(memstore *m) {
  size_t i;
  if (m == NULL) return;
  image_clear(&m->now);
  image_clear(&m->synced);
  list_clear(&m->journal);
  list_clear(&m->queue);
  for (i = 0; i < m->event_count; i++) free(m->events[i].text);
  free(m->events);
  free(m);
}

const schat_store *memstore_store(memstore *m) {
  return &m->store;
}

/* Failures ----------------------------------------------------------------------------------------------------------------- */

static failure failure_at(size_t n, int status, int for_ever) {
  failure f;
  f.in = n;
  f.status = status;
  f.for_ever = for_ever;
  return f;
}

void memstore_fail_commit(memstore *m, size_t n, int status, int for_ever) {
  m->commit_failure = failure_at(n, status, for_ever);
}

void memstore_fail_scan(memstore *m, size_t n, int status, int for_ever) {
  m->scan_failure = failure_at(n, status, for_ever);
}

void memstore_set_pending(memstore *m, int pending) {
  m->pending = pending;
}

size_t memstore_pending(const memstore *m) {
  return m->queue.count;
}

uint64_t memstore_complete(memstore *m, int status) {
  batch_copy b;
  uint64_t ticket;
  if (m->queue.count == 0) return 0;
  b = m->queue.batches[0];
  ticket = b.ticket;
  m->queue.count--;
  memmove(&m->queue.batches[0], &m->queue.batches[1], m->queue.count * sizeof b);
  if (status == SCHAT_OK) {
    store_batch(m, b);
  } else {
    m->refused++;
    batch_free(&b);
  }
  return ticket;
}

void memstore_on_commit(memstore *m, memstore_hook hook, void *arg) {
  m->hook = hook;
  m->hook_arg = arg;
}

/* Crashes ------------------------------------------------------------------------------------------------------------------ */

memstore *memstore_clone(const memstore *m) {
  memstore *clone = memstore_new();
  image_copy(&clone->now, &m->now);
  image_copy(&clone->synced, &m->now);
  clone->generation = m->generation;
  clone->store.generation = m->store.generation;
  return clone;
}

size_t memstore_unsynced(const memstore *m) {
  return m->journal.count;
}

void memstore_sync(memstore *m) {
  image_copy(&m->synced, &m->now);
  list_clear(&m->journal);
  m->synced_events = m->event_count;
}

void memstore_drop_unsynced(memstore *m, size_t keep) {
  size_t i, j, events = m->synced_events;
  list_clear(&m->queue);
  image_copy(&m->now, &m->synced);
  for (i = 0; i < m->journal.count; i++) {
    batch_copy *b = &m->journal.batches[i];
    for (j = 0; i < keep && j < b->count; j++) image_apply(&m->now, &b->entries[j]);
    if (i < keep) {
      events += b->event_count;
    } else {
      batch_free(b);
    }
  }
  while (m->event_count > events) free(m->events[--m->event_count].text);
  if (m->journal.count > keep) m->journal.count = keep;
}

/* The image ---------------------------------------------------------------------------------------------------------------- */

size_t memstore_count(const memstore *m, uint32_t kind) {
  size_t i, n = 0;
  for (i = 0; i < m->now.count; i++) n += kind == 0 || m->now.entries[i].kind == kind;
  return n;
}

int memstore_record(const memstore *m, size_t i, schat_record *record) {
  if (i >= m->now.count) return 0;
  to_record(&m->now.entries[i], record);
  return 1;
}

int memstore_get(const memstore *m, uint32_t kind, int32_t chat_id, int64_t key, schat_record *record) {
  entry name;
  int found;
  size_t at;
  memset(&name, 0, sizeof name);
  name.kind = kind;
  name.chat_id = chat_id;
  name.key = key;
  at = place_of(&m->now, &name, &found);
  return found && memstore_record(m, at, record);
}

void memstore_put(memstore *m, const schat_record *record) {
  entry e = copy_record(record);
  image_apply(&m->now, &e);
  free(e.value);
}

int memstore_equal(const memstore *a, const memstore *b) {
  size_t i;
  if (a->now.count != b->now.count) return 0;
  for (i = 0; i < a->now.count; i++) {
    const entry *x = &a->now.entries[i], *y = &b->now.entries[i];
    if (compare(x, y) != 0 || x->size != y->size || memcmp(x->value, y->value, x->size) != 0) return 0;
  }
  return 1;
}

static size_t hits(const entry *entries, size_t count, const void *needle, size_t size) {
  size_t i, at, n = 0;
  for (i = 0; i < count; i++) {
    for (at = 0; at + size <= entries[i].size; at++) n += memcmp(entries[i].value + at, needle, size) == 0;
  }
  return n;
}

size_t memstore_find(const memstore *m, const void *needle, size_t size) {
  size_t i, n;
  if (size == 0) return 0;
  n = hits(m->now.entries, m->now.count, needle, size);
  for (i = 0; i < m->queue.count; i++) n += hits(m->queue.batches[i].entries, m->queue.batches[i].count, needle, size);
  return n;
}

void memstore_flip_bit(memstore *m, size_t i, size_t bit) {
  m->now.entries[i].value[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

void memstore_truncate(memstore *m, size_t i, size_t size) {
  if (size < m->now.entries[i].size) m->now.entries[i].size = size;
}

void memstore_reverse(memstore *m, int reverse) {
  m->reverse = reverse;
}

void memstore_count_generations(memstore *m) {
  m->store.generation = highest_generation;
}

/* Counts and events -------------------------------------------------------------------------------------------------------- */

size_t memstore_commits(const memstore *m) {
  return m->commits;
}

size_t memstore_refused(const memstore *m) {
  return m->refused;
}

size_t memstore_scans(const memstore *m) {
  return m->scans;
}

size_t memstore_event_count(const memstore *m) {
  return m->event_count;
}

const memstore_event *memstore_event_at(const memstore *m, size_t i) {
  return i < m->event_count ? &m->events[i] : NULL;
}
