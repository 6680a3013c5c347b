/* SPDX-License-Identifier: BSL-1.0
 * sim.h - the simulator's parts: a schedule drawn from one seed, devices of the library around a relay that may lie, and what is checked.
 *
 * A schedule is a number of steps; what a step does follows from the seed and the step's number alone, so that a shorter one is the beginning of
 * a longer one, and each class of faults draws for itself, so that one can be switched off and the rest stays. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "manager/manager.h"
#include "pool.h"
#include "relay.h"
#include "store.h"
#include "strict.h"

#define SIM_DEVICE_MAX 4
#define SIM_VIEWS 24 /* chats of a device that are watched */
#define SIM_KEYS 24  /* keys and exponents of a chat that are watched */
#define SIM_MESSAGES 2048
#define SIM_START INT64_C(1790000000000)
#define SIM_DAY (INT64_C(86400) * 1000)

/* Classes of what goes wrong, or at least on; each can be switched off. X(NAME, text) */
#define SIM_CLASSES(X)                                              \
  X(LOSS, "updates dropped, doubled, reordered, late")              \
  X(GONE, "messages the server takes and loses")                    \
  X(ERRORS, "requests and answers lost, errors of the server")      \
  X(LIES, "a server that lies and still lets both come together")   \
  X(MALICE, "a server that lies about everything")                  \
  X(CRASH, "crashes at callbacks")                                  \
  X(RESTART, "clean restarts")                                      \
  X(STORE, "commits refused")                                       \
  X(ASYNC, "commits that become durable later, or never")           \
  X(MEMORY, "allocations that fail")                                \
  X(RANDOM, "a source of random numbers that fails")                \
  X(CLOCK, "clocks that jump")                                      \
  X(OFFLINE, "connections that break")                              \
  X(DELETE, "messages deleted, histories flushed")                  \
  X(TIMERS, "messages that destroy themselves")                     \
  X(DISCARD, "chats ended by their users")                          \
  X(BATCH, "several inputs in one commit")                          \
  X(FILES, "messages with files")                                   \
  X(REKEY, "new keys after a few messages")                         \
  X(DEVICES, "a second device of a user")                           \
  X(NESTED, "callbacks that call the library")                      \
  X(BOTH, "both sides begin a chat")                                \
  X(LIMITS, "small limits of the policy")                           \
  X(ROLLBACK, "a disk that comes back as it was some time ago")      \
  X(FOREIGN, "a client of other people on the other side")

typedef enum {
#define SIM_CLASS_ENUM(name, text) SIM_##name,
  SIM_CLASSES(SIM_CLASS_ENUM)
#undef SIM_CLASS_ENUM
      SIM_CLASS_COUNT
} sim_class;

/* Families of schedules. */
typedef enum { SIM_LOSSY, SIM_HOSTILE, SIM_FAULTS, SIM_TIMED, SIM_TWO_CHATS, SIM_STORM, SIM_YEAR, SIM_PROFILES } sim_profile;

/* Deliberate bugs, for the tests of the checkers (plant.c). */
typedef enum {
  SIM_PLANT_NONE,
  SIM_PLANT_OTHER_CIPHERTEXT, /* I1: a stored message is altered between two sends */
  SIM_PLANT_DOUBLE_EVENT,     /* I2: the host gets an event twice, unmarked */
  SIM_PLANT_LOST_EVENT,       /* I3: an event is not handed over */
  SIM_PLANT_EARLY_SEND,       /* I3: what was not stored is sent */
  SIM_PLANT_DEAF,             /* I4: a chat stops to hear */
  SIM_PLANT_OLD_KEY,          /* I5: a record keeps a key */
  SIM_PLANT_OLD_KEY_MEMORY,   /* I5: memory keeps a key */
  SIM_PLANT_ABORT,            /* I6: a chat ends with a reason nobody gave */
  SIM_PLANT_KEPT_TEXT,        /* I7: a record keeps a deleted text */
  SIM_PLANT_ORPHAN,           /* I8: a record nobody knows */
  SIM_PLANT_DICE,             /* I9: something that the seed does not decide */
  SIM_PLANT_REJECT_WRITES,    /* I10: a rejected input changes state */
  SIM_PLANT_NO_EXPIRY,        /* G14: a timer never ends */
  SIM_PLANT_EARLY_EXPIRY,     /* G14: a timer ends early */
  SIM_PLANT_OLD_KEY_USED,     /* G25: no key is too old */
  SIM_PLANT_WORN_KEY,         /* G25: no key is used too much */
  SIM_PLANT_UNRULY,           /* D-37: a message is of version 1 */
  SIM_PLANT_GUEST_LOST,       /* I3: what a foreign client shows is not counted */
  SIM_PLANT_ROLLED_BACK,      /* an old disk is taken for the last one */
  SIM_PLANTS
} sim_plant;

typedef struct {
  uint64_t seed;
  int profile;    /* sim_profile; -1: drawn */
  uint32_t off;   /* classes switched off, as bits */
  int steps;      /* 0: as the profile says */
  int trace;      /* prints what happens */
  sim_plant plant;
} sim_options;

typedef struct {
  uint64_t events, digest, midway; /* midway: the digest after thirty steps */
  uint32_t used; /* classes that took part */
  int steps, profile, failed;
  uint64_t commits, crashes, rejected, rekeys, delivered, converged, timers, rolled_back;
  int64_t key_age, key_uses; /* the most seen at a first send: milliseconds, messages */
  char what[256];
} sim_result;

/* Messages ------------------------------------------------------------------------------------------------------------------ */

/* What is known of a message that a user sent, by its random_id. */
typedef struct {
  int64_t random_id, text_id; /* text_id: what its text is made from */
  int32_t chat_id, raw, ttl, date;  /* raw: -1 until it is durable */
  int from;                 /* device */
  int64_t born;             /* true time */
  uint8_t on_open, erased, sent_told, failed_told;
  uint8_t delivered[SIM_DEVICE_MAX], gone[SIM_DEVICE_MAX]; /* in the application's log of a device; deleted there */
  uint8_t unsure[SIM_DEVICE_MAX]; /* the device crashed while it was deleted */
  int64_t started[SIM_DEVICE_MAX], ends_by[SIM_DEVICE_MAX]; /* true time: when its clock may have begun, when it must have ended; 0 not known */
} sim_message;

/* A message of a chat as one device has made it, by its raw number. */
typedef struct {
  int64_t random_id;
  uint64_t content, wire;       /* digests of what is stored, and of what was sent last */
  int64_t wire_fingerprint;
  uint64_t wire_content;
  int64_t at; /* true time when it was made */
  int32_t in_seq;
  uint8_t known, erased;
} sim_sent;

typedef struct {
  int64_t name; /* fingerprint, or digest of an exponent */
  uint8_t window[2][16];
  uint8_t dead;
} sim_key;

/* A chat as one device sees it. */
typedef struct {
  int32_t chat_id;
  uint8_t originator, ready, closed, want_accept, reason;
  uint8_t key_hash[SCHAT_KEY_HASH_SIZE];
  sim_sent *sent;
  size_t sent_count, sent_capacity;
  sim_key keys[SIM_KEYS];
  size_t key_count;
  int32_t last_delivered; /* raw number of the peer's last message in the log */
  int closed_told;
  strict *strict;   /* the strictest peer's eye on what this device sends; NULL: not in this schedule */
  int32_t read_max; /* up to which date its user has read */
} sim_view;

/* Devices -------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  uint64_t token;
  int64_t at;
  int32_t type;
} sim_open_request;

#define SIM_OPEN_REQUESTS 256

typedef struct sim_device {
  struct sim *sim;
  int index, at; /* at: its number at the relay */
  int64_t user_id;
  schat_manager *m, *opening; /* opening: the one that schat_open works at */
  store store, image; /* image: the disk as it was some time ago */
  uint64_t counter;   /* of commits that were durable, kept elsewhere */
  pool pool;
  schat_policy policy;
  uint64_t random;
  int callbacks, async, offline, depth;
  int64_t clock; /* its clock minus the true time */

  /* Faults in waiting: how many calls from now; 0 none. */
  int crash_in, commit_in, commit_status, random_in, lose_pending;
  uint64_t before; /* digest before the call that runs; 0: not taken */
  int nothing_due; /* and whatever was due had been done */
  unsigned life;   /* grows with every restart */
  int dead;     /* it has crashed inside a callback: nothing it does counts any more */
  int injected; /* failures of this call */

  /* The application. */
  uint64_t last_event;
  sim_view views[SIM_VIEWS];
  size_t view_count;
  int64_t gone_waiting[64];
  size_t gone_waiting_count;
  sim_open_request open[SIM_OPEN_REQUESTS];
  size_t open_count;
  int more; /* of a difference is to be asked for */
} sim_device;

typedef struct {
  int kind; /* relay_kind: MESSAGE or CHAT */
  schat_encrypted_message message;
  schat_chat_update chat;
  int device; /* that it was for */
  int32_t qts;
  uint8_t *bytes;
} sim_recorded;

#define SIM_RECORDED 32

typedef struct sim_guest sim_guest;

typedef struct sim {
  sim_options options;
  sim_result *result;
  relay *relay;
  int64_t now;
  uint32_t classes; /* that this schedule has */
  int profile, steps, step;
  uint64_t serial;
  sim_device devices[SIM_DEVICE_MAX];
  int device_count;
  sim_message messages[SIM_MESSAGES];
  uint16_t index[2 * SIM_MESSAGES]; /* by random_id; 0: empty */
  size_t message_count;
  sim_recorded recorded[SIM_RECORDED];
  size_t recorded_count;
  int recovering; /* faults have stopped */
  int planted;    /* the deliberate bug has happened */
  int denied;     /* the server's lies may keep both apart for good */
  int watched;    /* every message is judged as the strictest peer would (D-37) */
  int deep;       /* costly checks after every step */
  struct sim_guest *guest; /* FOREIGN */
  int left;                /* it has ended a chat */
} sim;

/* Chance: splitmix64 */
typedef struct {
  uint64_t state;
} dice;
dice sim_dice(const sim *s, uint64_t purpose); /* of this step, for one purpose */
uint64_t dice_next(dice *d);
static inline uint64_t dice_below(dice *d, uint64_t bound) { return dice_next(d) % bound; }
static inline int dice_one_in(dice *d, uint64_t n) { return dice_next(d) % n == 0; }
static inline int64_t dice_between(dice *d, int64_t low, int64_t high) {
  return low + (int64_t)(dice_next(d) % (uint64_t)(high - low + 1));
}

static inline int sim_has(const sim *s, sim_class c) { return (s->classes >> c & 1u) != 0; }

/* run.c */
void sim_run(const sim_options *options, sim_result *result);
/* Everything that is under way arrives; then time passes, from deadline to deadline, in the same way. */
void sim_run_quiet(sim *s);
void sim_pass_quietly(sim *s, int64_t span);
const char *sim_profile_name(int profile);
const char *sim_class_name(int class);

/* trace.c */
void sim_fail(sim *s, const char *invariant, const char *format, ...);
void sim_note(sim *s, uint64_t a, uint64_t b); /* into the digest */
void sim_trace(sim *s, const char *format, ...);
uint64_t sim_hash(const void *data, size_t size, uint64_t seed);

/* device.c: an account, its callbacks, its crashes */
void sim_device_new(sim *s, int64_t user_id);
void sim_device_free(sim_device *d);
int64_t sim_clock(const sim_device *d);
/* Before every call: draws its failures. `lie`: the input may be refused, so what is due is done first and the state is remembered. */
void sim_begin(sim_device *d, int lie);
/* After every call of the library: what it returned is judged, effects are taken, a crash is carried out. Returns status. */
int sim_done(sim_device *d, int status, int is_input);
void sim_restart(sim_device *d, int crash);
/* One pending commit becomes durable, or is lost. */
void sim_settle_one(sim_device *d, int status);
void sim_settle_all(sim_device *d);
void sim_expire_requests(sim_device *d, int64_t older_than, int32_t code);
schat__slot *sim_slot(const sim_device *d, int32_t chat_id);

/* ledger.c: what was made, sent, shown and deleted, and I1, I2, I3 */
sim_view *sim_view_of(sim_device *d, int32_t chat_id, int make);
/* The other side of a chat: the device that has the same key. */
sim_device *sim_partner(sim_device *d, const sim_view *v, sim_view **view);
/* No more strict readers. */
void sim_unwatch(sim *s);
sim_message *sim_message_new(sim *s, sim_device *from, int32_t chat_id, int64_t random_id);
sim_message *sim_message_find(sim *s, int64_t random_id);
#define SIM_TEXT_SIZE 24u
void sim_text_of(int64_t random_id, char text[SIM_TEXT_SIZE + 1]);
/* A batch on its way into the store: what it says is noted, and counts once it is durable. */
sim_batch_note *sim_note_batch(sim_device *d, const schat_batch *batch);
void sim_note_durable(sim_device *d, sim_batch_note *note);
void sim_note_free(sim_batch_note *note);
void sim_event(sim_device *d, const schat_event *event); /* handed over */
void sim_request(sim_device *d, const schat_request *request);
void sim_will_be_gone(sim_device *d, int64_t random_id);
void sim_gone_settle(sim_device *d, int status);
void sim_gone_forget(sim_device *d); /* a crash: who knows whether it was */

/* check.c: invariants of state and store */
uint64_t sim_state_digest(const sim_device *d);
void sim_check_step(sim_device *d);   /* after every call */
void sim_check_keys(sim_device *d);   /* I5 */
void sim_check_gone(sim_device *d, int64_t random_id, int everywhere); /* I7 */
void sim_check_deep(sim_device *d);
int sim_check_together(sim *s, int complain); /* I4: 1 when all has arrived */
void sim_check_end(sim *s);

/* wire.c: what the relay delivers, and what a server makes of it */
int sim_feed(sim_device *d, const relay_item *item);
int sim_deliver(sim_device *d); /* one item; 0 when none was there */
void sim_lie(sim_device *d, dice *x);
void sim_record(sim *s, int device, const relay_item *item);

/* act.c: what users do */
void sim_act(sim_device *d, dice *x);
int sim_say(sim_device *d, int32_t chat_id, dice *x);
/* What a host does at once, inside a callback. */
void sim_nested(sim_device *d, const schat_event *event);
void sim_tick(sim_device *d);
void sim_catch_up(sim_device *d);

/* plant.c: 1 when this is the moment for the deliberate bug */
int sim_plants(sim *s, sim_plant plant);
void sim_plant_record(sim_device *d, uint32_t kind, int32_t chat_id, const void *bytes, size_t size);

/* guest.c: a foreign client */
void sim_guest_new(sim *s, int64_t user_id);
void sim_guest_free(sim *s);
uint32_t sim_guest_policy(const sim *s); /* what the library needs to get along with it */
int64_t sim_guest_deadline(const sim *s);
int sim_guest_run(sim *s); /* all that has arrived, and is due: 0 when there was nothing */
void sim_guest_step(sim *s);
void sim_guest_speak(sim *s); /* in every chat */
int sim_guest_knows(const sim *s, int32_t chat_id);
const char *sim_guest_apart(sim *s, const schat__slot *slot); /* NULL: together */
void sim_guest_check_end(sim *s);

/* year.c */
void sim_year(sim *s);

#endif
