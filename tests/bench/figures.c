/* SPDX-License-Identifier: BSL-1.0
 * figures.c - the benchmark's figures, their goals, and the ways to tell them. */
#include "figures.h"

#include <string.h>

#define NO_GOAL 0, 0.0

/* Of ratios, those of one piece of code to another are the same on every machine; the whole library's is not. */
typedef enum { RATIO = 1, WHOLE, TIME, COUNT } kind;

typedef struct {
  const char *key, *text, *unit;
  kind kind;
  int direction; /* 1: at least the goal, -1: at most, 0: there is none */
  double goal;
  int needs_aes, needs_wide; /* the goal holds where the processor has AES instructions, and ones on 512 bits */
} figure;

/* What was found. */
typedef struct {
  int known;
  spread value;
  double own;
  other limit, rival;
} finding;

static const figure figures[] = {
    {"ige_enc_limit_64", "IGE encrypts 64 bytes: the bare chain / it", "", RATIO, 1, 0.90, 1, 0},
    {"ige_dec_limit_64", "IGE decrypts 64 bytes: the bare chain / it", "", RATIO, 1, 0.90, 1, 0},
    {"ige_enc_limit_1k", "IGE encrypts 1 KiB: the bare chain / it", "", RATIO, 1, 0.97, 1, 0},
    {"ige_dec_limit_1k", "IGE decrypts 1 KiB: the bare chain / it", "", RATIO, 1, 0.97, 1, 0},
    {"ige_enc_vs_openssl_64k", "IGE encrypts 64 KiB: AES_ige_encrypt / it", "", RATIO, 1, 6.3, 1, 0},
    {"ige_dec_vs_openssl_64k", "IGE decrypts 64 KiB: AES_ige_encrypt / it", "", RATIO, 1, 9.5, 1, 0},
    {"evp_enc_vs_openssl_64k", "the portable kernel encrypts 64 KiB: AES_ige_encrypt / it", "", RATIO, 1, 5.5, 1, 0},
    {"evp_dec_vs_openssl_64k", "the portable kernel decrypts 64 KiB: AES_ige_encrypt / it", "", RATIO, 1, 6.5, 1, 0},
    {"ige_batch8_vs_single_4k", "8 streams of 4 KiB: one by one / together", "", RATIO, 1, 6, 1, 0},
    {"ige_batch16_vs_single_4k", "16 streams of 4 KiB: one by one / together", "", RATIO, 1, 12, 1, 1},
    {"file_64k_vs_bare_ige", "a piece of a file of 64 KiB / bare IGE of as much", "", RATIO, -1, 1.10, 1, 0},
    {"file_many_vs_single_64k", "pieces of 8 files of 64 KiB: one by one / together", "", RATIO, NO_GOAL, 0, 0},
    {"seal_100_ns", "a message of 100 bytes is sealed", "ns", TIME, NO_GOAL, 0, 0},
    {"open_100_ns", "… opened", "ns", TIME, NO_GOAL, 0, 0},
    {"seal_1k_ns", "1 KiB sealed", "ns", TIME, NO_GOAL, 0, 0},
    {"open_1k_ns", "… opened", "ns", TIME, NO_GOAL, 0, 0},
    {"seal_16k_ns", "16 KiB sealed", "ns", TIME, NO_GOAL, 0, 0},
    {"open_16k_ns", "… opened", "ns", TIME, NO_GOAL, 0, 0},
    {"seal_100_vs_bare_ige", "sealing 100 bytes / bare IGE of 128", "", RATIO, -1, 2.6, 1, 0},
    {"open_100_vs_bare_ige", "opening 100 bytes / bare IGE of 128", "", RATIO, -1, 2.6, 1, 0},
    {"open_16k_vs_bare_ige", "opening 16 KiB / bare IGE of as much", "", RATIO, -1, 1.10, 1, 0},
    {"batch16_seal_100_ns", "16 messages of 100 bytes sealed together, each", "ns", TIME, NO_GOAL, 0, 0},
    {"batch16_open_100_ns", "… opened together, each", "ns", TIME, NO_GOAL, 0, 0},
    {"batch16_seal_100_vs_single", "sealing 16 together / one at a time", "", RATIO, -1, 0.45, 1, 1},
    {"batch16_open_100_vs_single", "opening 16 together / one at a time", "", RATIO, -1, 0.45, 1, 1},
    {"message_100_us", "a message sent in one manager and taken by another, store in memory", "µs", TIME, NO_GOAL, 0, 0},
    {"message_100_vs_seal", "the same in units of sealing it", "", WHOLE, -1, 12, 1, 0},
    {"send_100_us", "… its send alone", "µs", TIME, NO_GOAL, 0, 0},
    {"input_100_us", "… its input alone", "µs", TIME, NO_GOAL, 0, 0},
    {"answer_100_us", "the server's answer to it", "µs", TIME, NO_GOAL, 0, 0},
    {"message_100_sqlite_batch_us", "one of 1,000 messages in a difference, SQLite with synchronous=FULL", "µs", TIME, -1, 12, 0, 0},
    {"message_100_sqlite_single_us", "a message with a commit of its own, SQLite with synchronous=FULL", "µs", TIME, NO_GOAL, 0, 0},
    {"backlog_10000_ms", "10,000 messages in differences of 1,000, SQLite", "ms", TIME, NO_GOAL, 0, 0},
    {"rekey_ms", "a whole key exchange, both sides", "ms", TIME, NO_GOAL, 0, 0},
    {"dh_request_ms", "public value of a new exponent", "ms", TIME, NO_GOAL, 0, 0},
    {"dh_accept_ms", "peer's value checked, public value, key", "ms", TIME, NO_GOAL, 0, 0},
    {"open_store_10000_ms", "10,000 idle chats opened", "ms", TIME, -1, 1000, 0, 0},
    {"bytes_per_chat", "memory of an idle chat", "B", COUNT, -1, 768, 0, 0},
    {"allocations_per_message", "allocations of a send or an input, the larger; libcrypto's too", "", COUNT, -1, 2, 0, 0},
    {"allocations_send", "… of a send", "", COUNT, -1, 2, 0, 0},
    {"allocations_input", "… of an input", "", COUNT, -1, 2, 0, 0},
    {"allocations_answer", "… of an answer", "", COUNT, NO_GOAL, 0, 0},
    {"allocations_seal_open", "… of sealing and opening", "", COUNT, -1, 0, 0, 0},
    {"allocations_codec", "… of encoding and decoding", "", COUNT, -1, 0, 0, 0},
};

#define FIGURES (sizeof figures / sizeof figures[0])

static finding findings[FIGURES];

static finding *find(const char *key) {
  size_t i = 0;
  while (i < FIGURES && strcmp(figures[i].key, key) != 0) i++;
  must(i < FIGURES, key);
  return &findings[i];
}

static const finding *found_of(const figure *f) {
  return &findings[f - figures];
}

void figure_set(const char *key, spread value, double own, other limit, other rival) {
  finding *f = find(key);
  f->known = 1;
  f->value = value;
  f->own = own;
  f->limit = limit;
  f->rival = rival;
}

void figure_number(const char *key, double value) {
  const spread alone = {value, value, value};
  const other none = {NULL, 0};
  figure_set(key, alone, 0, none, none);
}

double figure_value(const char *key) {
  const finding *f = find(key);
  must(f->known, key);
  return f->value.median;
}

void figures_json(FILE *out) {
  const char *between = "{\n";
  for (size_t i = 0; i < FIGURES; i++) {
    if (!findings[i].known) continue;
    fprintf(out, "%s  \"%s\": %.6g", between, figures[i].key, findings[i].value.median);
    between = ",\n";
  }
  fprintf(out, "\n}\n");
}

static int has_aes(void) {
  return figure_value("ige_enc_limit_1k") > 0;
}

static int has_wide(void) {
  return figure_value("ige_batch16_vs_single_4k") > 0;
}

static int is_judged(const figure *f) {
  return found_of(f)->known && f->direction != 0 && (!f->needs_aes || has_aes()) && (!f->needs_wide || has_wide());
}

static int is_missed(const figure *f, double slack) {
  if (!is_judged(f)) return 0;
  const double goal = f->direction > 0 ? f->goal * (1 - slack) : f->goal * (1 + slack);
  const double value = found_of(f)->value.median;
  return f->direction > 0 ? value < goal : value > goal;
}

size_t figures_missed(int all, double slack) {
  size_t missed = 0;
  for (size_t i = 0; i < FIGURES; i++) {
    const figure *f = &figures[i];
    if ((f->kind != RATIO && !all) || !is_missed(f, f->kind == COUNT ? 0 : slack)) continue;
    fprintf(stderr, "bench: %s is %.4g, and is to be at %s %.4g\n", f->key, found_of(f)->value.median, f->direction > 0 ? "least" : "most",
            f->goal);
    missed++;
  }
  return missed;
}

/* 3 or 4 digits that mean something. */
static const char *number(double value, char text[32]) {
  const char *format = value >= 1000 ? "%.0f" : value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : value >= 1 ? "%.2f" : "%.3f";
  if (value == 0) format = "%.0f";
  (void)snprintf(text, 32, format, value);
  return text;
}

typedef struct {
  char value[32], spread[72], own[40], limit[128], rival[128], goal[48];
} cells;

static void with_unit(char *cell, size_t size, double value, const char *unit) {
  char text[32];
  (void)snprintf(cell, size, unit[0] != '\0' ? "%s %s" : "%s", number(value, text), unit);
}

static void beside(char *cell, size_t size, const figure *f, const other *o) {
  char text[32], ratio[32];
  cell[0] = '\0';
  if (o->name == NULL) return;
  const char *unit = f->kind == RATIO ? "ns" : f->unit;
  const finding *found = found_of(f);
  const double own = found->own > 0 ? found->own : found->value.median;
  (void)snprintf(cell, size, "%s: %s %s (%s x)", o->name, number(o->value, text), unit, number(o->value / own, ratio));
}

static void fill(const figure *f, cells *c) {
  char low[32], high[32];
  const finding *found = found_of(f);
  with_unit(c->value, sizeof c->value, found->value.median, f->unit);
  c->spread[0] = c->own[0] = c->goal[0] = '\0';
  if (found->value.low != found->value.high) {
    (void)snprintf(c->spread, sizeof c->spread, "%s to %s", number(found->value.low, low), number(found->value.high, high));
  }
  if (found->own > 0) with_unit(c->own, sizeof c->own, found->own, "ns");
  beside(c->limit, sizeof c->limit, f, &found->limit);
  beside(c->rival, sizeof c->rival, f, &found->rival);
  if (f->direction != 0) (void)snprintf(c->goal, sizeof c->goal, "%s %s", f->direction > 0 ? "at least" : "at most", number(f->goal, low));
  if (f->direction != 0 && !is_judged(f)) (void)snprintf(c->goal, sizeof c->goal, "not on this processor");
}

void figures_table(FILE *out) {
  fprintf(out, "%-30s %-12s %-16s %-18s %s\n", "figure", "median", "half are within", "goal", "what; beside it in the same run");
  for (size_t i = 0; i < FIGURES; i++) {
    const figure *f = &figures[i];
    cells c;
    if (!found_of(f)->known) continue;
    fill(f, &c);
    fprintf(out, "%-30s %-12s %-16s %-18s %s", f->key, c.value, c.spread, c.goal, f->text);
    if (c.own[0] != '\0') fprintf(out, "; %s", c.own);
    if (c.limit[0] != '\0') fprintf(out, "; %s", c.limit);
    if (c.rival[0] != '\0') fprintf(out, "; %s", c.rival);
    fprintf(out, "%s\n", is_missed(f, 0) ? "  MISSED" : "");
  }
}

void figures_markdown(FILE *out) {
  fprintf(out, "| figure | what | median | half are within | own time | limit | rival | goal |\n|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < FIGURES; i++) {
    const figure *f = &figures[i];
    cells c;
    if (!found_of(f)->known) continue;
    fill(f, &c);
    fprintf(out, "| `%s` | %s | %s%s%s | %s | %s | %s | %s | %s |\n", f->key, f->text, is_missed(f, 0) ? "**missed:** " : "", c.value, "",
            c.spread, c.own, c.limit, c.rival, c.goal);
  }
}
