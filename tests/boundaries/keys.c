/* SPDX-License-Identifier: BSL-1.0
 * keys.c - when keys are changed and requests repeated: counts, seconds and exchange numbers at their ends. */
#include "boundaries.h"
#include "lab.h"
#include "manager/manager.h"

#define SECOND INT64_C(1000)
#define WEEK_SECONDS INT64_C(604800)

/* R-PFS-02: the message that makes it more than `limit` begins an exchange. */
static void try_counts(book *b) {
  static const uint32_t limits[] = {3, 4, 5, 99, 100, 101};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    schat_policy policy;
    SCHAT_INIT(policy);
    policy.flags = SCHAT_POLICY_CHAIN_SENDS;
    policy.rekey_messages = limits[i];
    lab *l = lab_new(60 + i, (int)(i % 2), &policy);
    for (;;) {
      const int64_t used = (int64_t)lab_chat(l)->key_sealed + lab_chat(l)->key_opened;
      if (used > limits[i] + 1) break;
      if (used >= (int64_t)limits[i] - 1) {
        judged(b, "R-PFS-02", "messages under a key", used, used > edge(b, limits[i], 1), (int64_t)lab_count(l, SCHAT__ACTION_REQUEST_KEY));
      }
      if (lab_count(l, SCHAT__ACTION_REQUEST_KEY) > 0) break;
      (void)lab_say(l, "text");
    }
    lab_free(l);
  }
}

/* R-PFS-02, D-19: a week and not a millisecond more; a key that has sealed nothing stays. */
static void try_ages(book *b) {
  static const int64_t offsets[] = {-SECOND, -1, 0, 1, SECOND};
  for (size_t i = 0; i < 5; i++) {
    for (int used = 0; used < 2; used++) {
      lab *l = lab_new(70 + i, 1, NULL);
      lab_slot(l)->chat.key_sealed = (uint32_t)used;
      lab_tick(l, lab_chat(l)->key_since + WEEK_SECONDS * SECOND + offsets[i] - l->w->now);
      judged(b, "R-PFS-02", "milliseconds beyond a week", offsets[i], used && offsets[i] > edge(b, 0, SECOND),
             (int64_t)lab_count(l, SCHAT__ACTION_REQUEST_KEY));
      lab_free(l);
    }
  }
}

/* R-PFS-21..23, D-20: signed numbers, the larger goes on. 1 ours, -1 theirs, 0 neither. */
static void try_collisions(book *b) {
  static const int64_t ids[] = {INT64_MIN, INT64_MIN + 1, -2, -1, 1, 2, INT64_MAX - 1, INT64_MAX};
  for (size_t i = 0; i < 8; i++) {
    for (size_t k = 0; k < 8; k++) {
      if (i != k && (k > i + 1 || i > k + 1)) continue; /* neighbours alone are a boundary */
      lab *l = lab_new(100 + i * 8 + k, 1, NULL);
      lab_make_request(l);
      lab_slot(l)->secrets->exchange_id = ids[i];
      lab_forget(l);
      (void)lab_request(l, ids[k]);
      const int64_t got =
          lab_count(l, SCHAT__ACTION_ACCEPT_KEY) > 0 ? -1 : lab_slot(l)->secrets != NULL && lab_slot(l)->secrets->exchange_id == ids[i];
      const int64_t order = (int64_t)i - (int64_t)k - b->shift;
      judged(b, "R-PFS-21", "our number and theirs", (int64_t)(i * 10 + k), order > 0 ? 1 : order < 0 ? -1 : 0, got);
      lab_free(l);
    }
  }
}

/* D-20: seven days without an answer. D-21: AbortKeys a minute apart, then two. */
static void try_patience(book *b) {
  static const int64_t offsets[] = {-1, 0, 1};
  static const uint8_t one[] = {1};
  for (size_t i = 0; i < 3; i++) {
    lab *l = lab_new(200 + i, 1, NULL);
    lab_make_request(l);
    lab_tick(l, WEEK_SECONDS * SECOND + offsets[i]);
    judged(b, "D-20", "milliseconds beyond seven days", offsets[i], offsets[i] > edge(b, 0, 1),
           (int64_t)lab_events(l, SCHAT_EVENT_REKEY_FAILED));
    lab_free(l);
    for (int64_t minutes = 1; minutes <= 4; minutes *= 2) {
      l = lab_new(210 + i, 1, NULL);
      for (int64_t m = 1; m < minutes; m *= 2) { /* the pauses before */
        (void)lab_send_key(l, SCHAT__ACTION_REQUEST_KEY, 10 + m, one, 1, 0);
        lab_tick(l, m * 60 * SECOND);
      }
      (void)lab_send_key(l, SCHAT__ACTION_REQUEST_KEY, 5, one, 1, 0);
      lab_forget(l);
      lab_tick(l, minutes * 60 * SECOND + offsets[i]);
      (void)lab_send_key(l, SCHAT__ACTION_REQUEST_KEY, 6, one, 1, 0);
      judged(b, "D-21", "milliseconds beyond the pause", offsets[i], offsets[i] >= edge(b, 0, 1),
             (int64_t)lab_count(l, SCHAT__ACTION_ABORT_KEY));
      lab_free(l);
    }
  }
}

/* D-10: a Resend is repeated after 60 s, doubling. D-27: typing every five seconds. */
static void try_pauses(book *b) {
  static const int64_t offsets[] = {-1, 0, 1};
  for (size_t i = 0; i < 3; i++) {
    for (int64_t minutes = 1; minutes <= 8; minutes *= 2) {
      lab *l = lab_new(220 + i, 1, NULL);
      (void)lab_noop(l);
      l->p->out_raw++;
      (void)lab_say(l, "behind a gap");
      for (int64_t m = 1; m < minutes; m *= 2) lab_tick(l, m * 60 * SECOND);
      lab_forget(l);
      lab_tick(l, minutes * 60 * SECOND + offsets[i]);
      judged(b, "D-10", "milliseconds beyond the pause", offsets[i], offsets[i] >= edge(b, 0, 1),
             (int64_t)lab_count(l, SCHAT__ACTION_RESEND));
      lab_free(l);
    }
    lab *l = lab_new(230, 1, NULL);
    (void)schat_typing(lab_manager(l), l->chat_id, 1, l->w->now);
    int status = schat_typing(lab_manager(l), l->chat_id, 1, l->w->now + 5 * SECOND + offsets[i]);
    judged(b, "D-27", "milliseconds beyond five seconds", offsets[i], offsets[i] >= edge(b, 0, 1) ? SCHAT_OK : SCHAT_IGNORED, status);
    lab_free(l);
  }
}

void try_keys(book *b) {
  try_counts(b);
  try_ages(b);
  try_collisions(b);
  try_patience(b);
  try_pauses(b);
}
