/* SPDX-License-Identifier: BSL-1.0
 * ige_lanes.c - deals jobs out to the lanes of a kernel for many streams. */
#include "ige_lanes.h"

#ifdef SCHAT__X86_64

#include "../common/mem.h"

typedef struct {
  const schat__ige_job *next;
  size_t count;
} queue;

/* iv is the last ciphertext block and the last plaintext block. */
static SCHAT__AESNI void take_job(schat__ige_lanes *l, unsigned lane, const schat__ige_job *job) {
  l->out_last[lane] = schat__load_block(job->iv + (l->inverse ? 16 : 0));
  l->in_last[lane] = schat__load_block(job->iv + (l->inverse ? 0 : 16));
  l->in[lane] = job->in;
  l->out[lane] = job->out;
  l->left[lane] = job->size / 16;
  l->job[lane] = job;
}

static SCHAT__AESNI void store_iv(const schat__ige_lanes *l, unsigned lane) {
  uint8_t *iv = l->job[lane]->iv;
  schat__store_block(iv + (l->inverse ? 16 : 0), l->out_last[lane]);
  schat__store_block(iv + (l->inverse ? 0 : 16), l->in_last[lane]);
}

static SCHAT__AESNI void copy_lane(schat__ige_lanes *l, unsigned to, unsigned from) {
  for (size_t r = 0; r < SCHAT__ROUND_KEYS; r++) l->keys[r * l->width + to] = l->keys[r * l->width + from];
  l->out_last[to] = l->out_last[from];
  l->in_last[to] = l->in_last[from];
  l->in[to] = l->in[from];
  l->out[to] = l->out[from];
  l->left[to] = l->left[from];
  l->job[to] = l->job[from];
}

/* The keys of lanes that have just taken jobs. */
static void expand_keys(schat__ige_lanes *l, const schat__ige_deck *deck, unsigned lane) {
  while (lane < l->busy) {
    if (deck->expand_wide != NULL && lane % deck->expand_lanes == 0 && l->busy - lane >= deck->expand_lanes) {
      deck->expand_wide(l->job + lane, l->keys + lane, l->width, l->inverse);
      lane += deck->expand_lanes;
    } else {
      (l->inverse ? schat__aesni_expand_inverse : schat__aesni_expand)(l->job[lane]->key, l->keys + lane, l->width);
      lane++;
    }
  }
}

static void fill_lanes(schat__ige_lanes *l, const schat__ige_deck *deck, queue *q) {
  const unsigned first = l->busy;
  for (; l->busy < l->width && q->count > 0; q->next++, q->count--) {
    if (q->next->size > 0) take_job(l, l->busy++, q->next);
  }
  expand_keys(l, deck, first);
}

/* The blocks after which the first job is done. */
static size_t shortest(const schat__ige_lanes *l) {
  size_t least = l->left[0];
  for (unsigned lane = 1; lane < l->busy; lane++) {
    if (l->left[lane] < least) least = l->left[lane];
  }
  return least;
}

/* From the last lane down: what moves into the place of one that is done has advanced before. */
static void advance(schat__ige_lanes *l, size_t blocks) {
  for (unsigned lane = l->busy; lane-- > 0;) {
    l->in[lane] += blocks * 16;
    l->out[lane] += blocks * 16;
    l->left[lane] -= blocks;
    if (l->left[lane] > 0) continue;
    store_iv(l, lane);
    l->busy--;
    if (lane < l->busy) copy_lane(l, lane, l->busy);
  }
}

static void advance_together(schat__ige_lanes *l, const schat__ige_width *width) {
  size_t blocks = shortest(l);
  for (unsigned lane = l->busy; lane < width->lanes; lane++) copy_lane(l, lane, 0);
  (l->inverse ? width->backwards : width->forwards)(l, blocks);
  advance(l, blocks);
}

static void finish_alone(const schat__ige_lanes *l) {
  const schat__ige_job *job = l->job[0];
  store_iv(l, 0);
  (void)(l->inverse ? schat__aesni_decrypt : schat__aesni_encrypt)(NULL, job->key, job->iv, l->in[0], l->out[0], l->left[0] * 16);
}

static const schat__ige_width *narrowest(const schat__ige_deck *deck, size_t lanes) {
  const schat__ige_width *width = deck->widths, *widest = deck->widths + deck->width_count - 1;
  while (width != widest && width->lanes < lanes) width++;
  return width;
}

void schat__ige_run_lanes(const schat__ige_deck *deck, int inverse, const schat__ige_job *jobs, size_t count) {
  schat__ige_lanes l;
  queue q = {jobs, count};
  l.busy = 0;
  l.width = narrowest(deck, count)->lanes;
  l.inverse = inverse;
  for (fill_lanes(&l, deck, &q); l.busy > 1; fill_lanes(&l, deck, &q)) advance_together(&l, narrowest(deck, l.busy));
  if (l.busy == 1) finish_alone(&l);
  schat__wipe(l.out_last, sizeof l.out_last + sizeof l.in_last + sizeof l.in_now + sizeof l.keys[0] * SCHAT__ROUND_KEYS * l.width);
}

#else
typedef int schat__nothing_here; /* a translation unit is never empty */
#endif
