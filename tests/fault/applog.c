/* SPDX-License-Identifier: BSL-1.0
 * applog.c - see applog.h. */
#include "applog.h"

#include <stdlib.h>
#include <string.h>

#include "plant.h"

#define ROWS 128u

typedef struct {
  uint64_t id;
  int32_t type;
  char line[256];
} row;

static row rows[ROWS];
static size_t count;

void applog_clear(void) { count = 0; }

static const char *names_of(const bench *b, const schat_event *event, char *out, size_t size) {
  size_t i, used = 0;
  out[0] = '\0';
  for (i = 0; i < event->random_id_count && used + 1 < size; i++) {
    used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : "+", bench_name_of(b, event->random_ids[i]));
  }
  return out;
}

static void message_line(bench *b, const schat_event *event, char *line, size_t size) {
  const schat_message *message = event->message;
  char text[48];
  snprintf(text, sizeof text, "%.*s", (int)message->text.size, (const char *)message->text.data);
  bench_name(b, message->random_id, text);
  snprintf(line, size, "message %s, ttl %d, media %d of %lld, file %d", text, (int)message->ttl, (int)message->media.type,
           (long long)message->media.size, event->file.id != 0);
}

int applog_line(bench *b, const schat_event *event, char *line, size_t size) {
  char names[200];
  switch (event->type) {
    case SCHAT_EVENT_MESSAGE:
      message_line(b, event, line, size);
      return 1;
    case SCHAT_EVENT_INVITED:
      snprintf(line, size, "invited");
      return 1;
    case SCHAT_EVENT_CLOSED:
      snprintf(line, size, "closed, reason %d", (int)event->reason);
      return 1;
    case SCHAT_EVENT_SENT: /* the peer's confirmation may overtake the answer that names the file (D-38) */
      snprintf(line, size, "sent %s,", bench_name_of(b, event->random_id));
      return 1;
    case SCHAT_EVENT_SEND_FAILED:
      snprintf(line, size, "failed %s, %d", bench_name_of(b, event->random_id), (int)event->error_code);
      return 1;
    case SCHAT_EVENT_DELETED:
    case SCHAT_EVENT_EXPIRED:
    case SCHAT_EVENT_OPENED:
    case SCHAT_EVENT_SCREENSHOT:
      snprintf(line, size, "%s %s", event->type == SCHAT_EVENT_DELETED ? "deleted" : event->type == SCHAT_EVENT_EXPIRED ? "expired"
               : event->type == SCHAT_EVENT_OPENED ? "opened" : "screenshot", names_of(b, event, names, sizeof names));
      return 1;
    case SCHAT_EVENT_HISTORY_FLUSHED:
      snprintf(line, size, "flushed");
      return 1;
    case SCHAT_EVENT_TTL:
      snprintf(line, size, "timer %d", (int)event->value);
      return 1;
    case SCHAT_EVENT_REKEYED:
      snprintf(line, size, "rekeyed");
      return 1;
    default:
      return 0;
  }
}

static const row *known(uint64_t id) {
  size_t i;
  for (i = 0; i < count; i++) {
    if (rows[i].id == id) return &rows[i];
  }
  return NULL;
}

void applog_note(bench *b, const schat_event *event) {
  char line[256];
  const row *old;
  const int marked = event->repeated && !plant_is(PLANT_UNMARKED);
  if (event->id == 0 || (event->repeated && plant_is(PLANT_LOST_EVENT))) return;
  if (!applog_line(b, event, line, sizeof line)) return;
  old = known(event->id);
  if (old != NULL) {
    MUST(marked, "event %llu \"%s\" is handed over again without the mark", (unsigned long long)event->id, line);
    MUST(strcmp(old->line, line) == 0, "event %llu \"%s\" was \"%s\"", (unsigned long long)event->id, line, old->line);
    return;
  }
  MUST(!event->repeated || explore_met(), "event \"%s\" is marked and nothing has failed", line);
  MUST(count < ROWS, "more events than the log holds");
  rows[count].id = event->id;
  rows[count].type = event->type;
  memcpy(rows[count++].line, line, sizeof line);
}

size_t applog_count(int32_t type) {
  size_t i, n = 0;
  for (i = 0; i < count; i++) n += rows[i].type == type;
  return n;
}

int applog_has(bench *b, int32_t type, const char *name) {
  size_t i;
  (void)b;
  for (i = 0; i < count; i++) {
    if (rows[i].type == type && strstr(rows[i].line, name) != NULL) return 1;
  }
  return 0;
}

int applog_knows_end(const char *name) {
  char sent[64], failed[64];
  size_t i;
  snprintf(sent, sizeof sent, "sent %s,", name);
  snprintf(failed, sizeof failed, "failed %s,", name);
  for (i = 0; i < count; i++) {
    if (strncmp(rows[i].line, sent, strlen(sent)) == 0 || strncmp(rows[i].line, failed, strlen(failed)) == 0) return 1;
  }
  return 0;
}

static int compare(const void *a, const void *b) { return strcmp(((const row *)a)->line, ((const row *)b)->line); }

void applog_print(FILE *out) {
  row *sorted = calloc(count + 1, sizeof *sorted);
  size_t i;
  if (sorted == NULL) abort();
  memcpy(sorted, rows, count * sizeof *sorted);
  for (i = 0; i < count; i++) {
    if (rows[i].type == SCHAT_EVENT_MESSAGE) fprintf(out, "%s\n", rows[i].line);
  }
  qsort(sorted, count, sizeof *sorted, compare);
  for (i = 0; i < count; i++) {
    if (sorted[i].type != SCHAT_EVENT_MESSAGE) fprintf(out, "%s\n", sorted[i].line);
  }
  free(sorted);
}
