/* SPDX-License-Identifier: BSL-1.0
 * chat.h - one secret chat: its state, its machines, its invariants, and what the files of this layer do for one another.
 *
 *  CHAT    NONE ──create──▶ REQUESTING ──answer──▶ WAITING_PEER ──encryptedChat──▶ READY ──▶ CLOSED      handshake.c, close.c
 *          NONE ──encryptedChatRequested──▶ INVITED ──accept──▶ ACCEPTING ──answer──▶ READY ──▶ CLOSED
 *          (a fact may overtake the answer it belongs to: D-17; every state may go to CLOSED)
 *  REKEY   IDLE ──limit──▶ REQUESTED ──AcceptKey──▶ IDLE     we send CommitKey, and all after it under the new key       rekey.c
 *          IDLE ──RequestKey──▶ ACCEPTED ──CommitKey, or a message under the new key──▶ IDLE
 *  OUT     STORED ──server's answer──▶ SENT ──peer's in_seq_no──▶ acknowledged (wiped; its numbers kept)       outbound.c, acked.c
 *  IN      new ──▶ (waiting) ──▶ applied | duplicate                                                             inbound.c
 *
 * Invariants, checked by schat__chat_check() after every step of debug builds:
 *  (1) out_seq is the number of messages we made; every outbox key is below it, no key occurs twice, none from peer_in_seq on is missing.
 *  (2) out_seq grows by one per outbox item and never falls, across crashes too: the item and the number are one commit.
 *  (3) 0 <= peer_in_seq <= out_seq; an outbox key below peer_in_seq is a Noop that answers for it (D-07).
 *  (4) every waiting key is above in_seq, and at most in_highest; the first missing message is in_seq itself.
 *  (5) in_highest >= in_seq - 1; nothing waits when they are that close.
 *  (6) only READY chats have an outbox, a rekeying or a gap; CLOSED ones have no key bytes, no secrets, and no items but timers.
 *  (7) an outbox item is sealed under the current key, or under the previous one while that is kept.
 *  (8) secrets exist only in REQUESTING, WAITING_PEER, INVITED, ACCEPTING, or while a rekeying or a previous key needs them.
 */
#ifndef SCHAT_CHAT_CHAT_H
#define SCHAT_CHAT_CHAT_H

#include "../common/buf.h"
#include "../common/bytes.h"
#include "../common/mem.h"
#include "../crypto/crypto.h"
#include "../envelope/envelope.h"
#include "../tl/model.h"

#define SCHAT__SEQ_MAX 0x3fffffff /* the last raw number whose wire form fits an int32 (R-SEQ-23) */
#define SCHAT__NEVER INT64_MAX
#define SCHAT__NOW_MAX (INT64_MAX / 4) /* the last time a clock may show */
#define SCHAT__MESSAGE_MIN 88u /* the smallest packet that can carry a lawful message */
#define SCHAT__RANDOM_BYTES 31u /* D-13 */
#define SCHAT__RANDOM_BYTES_MIN 15u
#define SCHAT__DRAWS 64 /* of an id that must differ from others: a source that fails so often is broken */
#define SCHAT__KEEP_ACKED_MAX 128u
#define SCHAT__ACKED_SIZE 136u

/* State ------------------------------------------------------------------------------------------------------------------- */

/* Flags of schat__chat beside those of schat_chat_info, which stand in the low 12 bits. */
#define SCHAT__FLAG_SEEN_V2 0x1000u         /* D-01: MTProto 1 is over */
#define SCHAT__FLAG_DISCARD_HISTORY 0x2000u /* the discard to send asks for the history too */
#define SCHAT__FLAG_SAID_UNSUPPORTED 0x4000u /* D-03: our layer was told in answer to something unreadable */
#define SCHAT__FLAG_ACCEPT_TAKEN 0x8000u    /* ENCRYPTION_ALREADY_ACCEPTED was the answer */
#define SCHAT__FLAG_GAP_TOLD 0x10000u       /* the event GAP has been given */
#define SCHAT__FLAG_READ_PENDING 0x20000u   /* readEncryptedHistory has not been answered */
#define SCHAT__FLAG_SAID_TOO_OLD 0x40000u   /* PEER_TOO_OLD was told */
#define SCHAT__FLAG_LATE_ACCEPT 0x80000u    /* accept by itself at accept_at (D-16) */
#define SCHAT__FLAG_REOPENED 0x100000u      /* opened from the store, and no message has come in order since */
#define SCHAT__FLAG_ASKED 0x200000u         /* the request that creates it may have reached the server before */
#define SCHAT__FLAG_UNANSWERED 0x400000u    /* the last rekeying of ours was met with silence (D-20) */
#define SCHAT__FLAG_KEY_SHOWN 0x800000u     /* a message has been made under the current key, not only sealed anew with it */

#define SCHAT__FLAGS_VOLATILE (SCHAT__FLAG_REOPENED | SCHAT__FLAG_ASKED)

/* One of the chat's own requests: config, create, accept, discard. Not stored: opening again asks again. */
typedef struct {
  uint64_t token; /* 0: not in flight */
  int64_t retry_at;
  uint8_t type; /* schat_request_type */
  uint8_t tries;
} schat__ask;

/* What a chat is. No pointers: a copy is an assignment, wiping it is one call. In four parts: what has no part in comparisons, what a CHAT
 * record holds (schat__chat_differs looks at it as bytes), what a KEYS record holds, and what is not stored. */
typedef struct {
  int32_t chat_id;
  uint32_t flags; /* a CHAT record's too, but for SCHAT__FLAGS_VOLATILE */

  uint8_t state;        /* schat_state */
  uint8_t close_reason; /* schat_close_reason */
  uint8_t gap_tries;    /* Resend requests repeated for the gap that is open (D-10) */
  uint8_t abort_pauses; /* rekeyings that failed in a row: pauses double (D-21) */
  int32_t folder_id, date, ttl;
  int32_t peer_layer;     /* the highest known (R-LAY-01) */
  int32_t stated_layer;   /* what we state; never falls (D-04) */
  int32_t notified_layer; /* ours, as last told to the peer (R-LAY-04) */
  int32_t last_date, read_inbox_date, read_outbox_date, unread_count;
  int32_t out_seq;     /* raw number of the next message we make */
  int32_t in_seq;      /* raw number of the next message to apply */
  int32_t in_highest;  /* raw number of the highest message seen */
  int32_t asked_up_to; /* raw number of the last message a Resend of ours covers */
  int32_t peer_in_seq; /* how many of ours the peer has confirmed */
  int32_t flush_seq;   /* raw number of the FlushHistory a discard waits for; -1 */
  uint32_t key_sealed, key_opened;           /* messages (R-PFS-02) */
  int32_t new_key_seen; /* while a previous key is kept: lowest raw number that the peer has made under the current one, as far as is known; -1 */
  int32_t acked_base, acked_last, acked_end; /* acked.c */
  int64_t user_id, own_id, access_hash;
  int64_t config;        /* key of the DH configuration (R-PFS-07) */
  int64_t last_exchange; /* id of the last rekeying that ended */
  int64_t gap_at, abort_at, rekey_at, discard_at, accept_at, close_at, peer_heard; /* clock; 0 where unused */
  int64_t dh_seen[4]; /* digests of public values: own and peer's of the first exchange, and of the last rekeying */
  uint8_t acked_size, acked_count;
  uint8_t acked[SCHAT__ACKED_SIZE];

  int64_t key_fingerprint;
  int64_t key_since; /* clock */
  uint8_t key[SCHAT__DH_SIZE];
  uint8_t key_hash[SCHAT_KEY_HASH_SIZE];

  int32_t pump_from; /* no outbox item below needs sending */
  schat__ask ask;
  uint64_t read_token;
  uint64_t last_send; /* token of the last send in flight */
  int64_t read_retry_at, typing_at;
  int64_t noop_at; /* clock: before then no more Noops go out for what is confirmed */
  uint8_t read_tries;
  uint8_t moves; /* ids the server has refused */
} schat__chat;

/* Key material that most chats lack most of the time. Flat as well; replaced as a whole. */
typedef enum { SCHAT__REKEY_IDLE = 0, SCHAT__REKEY_REQUESTED = 1, SCHAT__REKEY_ACCEPTED = 2 } schat__rekey_state;

#define SCHAT__HAS_EXPONENT 1u
#define SCHAT__HAS_PEER 2u     /* peer: g_a of an invitation, or of a RequestKey that has to wait (D-21) */
#define SCHAT__HAS_NEXT 4u
#define SCHAT__HAS_PREVIOUS 8u

typedef struct {
  uint8_t state; /* schat__rekey_state */
  uint8_t has;   /* SCHAT__HAS_… */
  int64_t exchange_id;
  int64_t since;            /* clock when the rekeying began (D-20) */
  int64_t peer_exchange_id; /* of the RequestKey that waits */
  int64_t next_fingerprint, previous_fingerprint;
  uint8_t exponent[SCHAT__DH_SIZE];
  uint8_t own[SCHAT__DH_SIZE];  /* public value of the exponent, or of the one used for `next` */
  uint8_t peer[SCHAT__DH_SIZE];
  uint8_t next[SCHAT__DH_SIZE];
  uint8_t previous[SCHAT__DH_SIZE];
} schat__secrets;

/* Items: what a chat has many of. An item is one record of the store. */
typedef enum { SCHAT__OUTBOX = 0, SCHAT__WAITING = 1, SCHAT__TIMER = 2, SCHAT__EARLY = 3, SCHAT__ITEM_KINDS = 4 } schat__item_kind;

typedef enum { SCHAT__STORED = 0, SCHAT__SENT = 1 } schat__out_state;
typedef enum { SCHAT__UNREAD = 0, SCHAT__RUNNING = 1, SCHAT__OPEN = 2 } schat__timer_state;

/* One of our messages until the peer confirms it. data: length ‖ object ‖ padding, from which the sealed bytes follow (D-06). */
typedef struct {
  int64_t random_id;
  int64_t key_fingerprint; /* of the key that seals it */
  int64_t confirmed;       /* clock when the server took it last; 0 never */
  int64_t retry_at;
  uint64_t token;          /* volatile: of the send in flight */
  int64_t asked;           /* volatile: clock when that left */
  schat_input_file file;
  int32_t in_seq;          /* raw, as it was made (R-SEQ-06) */
  uint8_t state;           /* schat__out_state */
  uint8_t method;          /* schat_request_type */
  uint8_t content;         /* 1: a message of the user */
  uint8_t report;          /* 1: SENT is still to be told */
  uint8_t silent;
  uint8_t action;          /* schat__action_type */
  uint8_t again;           /* to be sent once more */
  uint8_t resent;          /* times sent again because the peer asked, 255 at most */
  uint8_t unasked;         /* times sent unasked (D-36) */
  uint8_t erased;          /* its content was replaced (R-SEQ-21) */
  uint8_t tries;           /* volatile: failures in a row */
} schat__out;

/* A message of the peer behind a gap; data: its DecryptedMessage. EARLY: one for a chat whose key is not known yet; data: as it came. */
typedef struct {
  schat_encrypted_file file;
  int32_t in_seq; /* raw */
  int32_t date;
  uint8_t handled; /* a Resend that has been answered (R-SEQ-16) */
  uint8_t service;
} schat__held;

/* A message with a ttl; the key is its random_id. */
typedef struct {
  int64_t deadline; /* clock; RUNNING */
  int32_t ttl, date;
  int32_t out_seq;  /* ours: its raw number; peer's: -1 */
  uint8_t outgoing;
  uint8_t on_open; /* starts when opened, otherwise when read */
  uint8_t state;   /* schat__timer_state */
} schat__timer;

typedef struct schat__item {
  int64_t key; /* OUTBOX, WAITING: raw number; TIMER: random_id; EARLY: order of arrival */
  uint8_t *data; /* behind this head, until it is replaced */
  uint32_t size;
  uint32_t room;    /* bytes behind this head */
  uint8_t kind;
  uint64_t written; /* the batch that wrote it last */
  uint64_t born;    /* the group that made it */
  uint64_t saved;   /* the savepoint whose journal can undo what becomes of its head */
  union {
    schat__out out;
    schat__held held;
    schat__timer timer;
  } u;
} schat__item;

typedef struct {
  schat__item **at;
  size_t count, capacity;
} schat__list;

#define SCHAT__LIST_FIRST 4u

/* The lists of one chat, and the first places of the one that needs some first. */
typedef struct schat__lists {
  schat__list of[SCHAT__ITEM_KINDS];
  schat__item *first[SCHAT__LIST_FIRST];
} schat__lists;

typedef struct schat__slot {
  schat__chat chat;
  schat__secrets *secrets; /* NULL: none */
  schat__lists *lists;     /* sorted by key; NULL: all empty */
  int64_t wake_at;         /* clock when something is due */
  uint64_t saved;          /* the savepoint whose journal holds a copy of chat */
  uint64_t written;        /* the group whose batch holds its CHAT record */
  uint64_t keys_written;   /* and its KEYS record */
  uint64_t born;           /* the group that made it */
} schat__slot;

/* The environment of a step ------------------------------------------------------------------------------------------------- */

typedef struct {
  int64_t key; /* first 8 bytes of SHA-256(p ‖ g) */
  int32_t version, g;
  uint8_t p[SCHAT__DH_SIZE];
  uint32_t rules; /* SCHAT__DH_RULES of the library that tested it; 0: not known */
} schat__config;

typedef struct schat__effect {
  struct schat__effect *next;
  uint64_t ticket;
  uint64_t event_id;   /* stored events */
  uint64_t token;      /* requests */
  uint64_t after;      /* sends: the token of the one before */
  uint64_t dropped;    /* events: the group that took it back; 0: none has */
  int64_t ref;         /* requests: outbox key, date, qts … */
  int32_t chat_id;
  uint32_t type;       /* schat_event_type or schat_request_type */
  uint8_t is_request;
  uint8_t repeated;
  uint32_t size;       /* events: bytes that follow, as event.c writes them */
  uint8_t data[1];
} schat__effect;

typedef struct {
  uint64_t token;
  int64_t ref;
  int32_t chat_id;
  uint32_t type;
} schat__flight;

typedef struct schat__undo schat__undo; /* journal.c */

typedef struct {
  int32_t qts, date;
  uint64_t generation;
  uint64_t next_event;
  int64_t clock, wall; /* milliseconds: time that has passed for us, and the clock of the host it was read from (R-TTL-08) */
  int64_t current_config; /* 0: none */
} schat__account;

/* What the account has asked of the server's queue. Not stored: opening again asks again. */
typedef struct {
  int32_t acked_qts;     /* as far as receivedQueue has been asked */
  int difference_wanted;
  int adopt_qts;         /* the server's numbering has changed: take its qts as it says */
  int64_t queue_retry_at, difference_retry_at; /* clock */
  uint64_t difference_token;
} schat__queue;

typedef struct {
  schat__slot **at; /* open addressing, a power of two */
  size_t count, capacity;
} schat__table;

typedef struct schat__env {
  const schat_allocator *mem;
  schat_allocator allocator;
  schat__crypto *crypto;
  schat__arena arena; /* of one input */
  schat__arena ahead_arena; /* of several: ahead.c */
  struct schat__ahead *ahead; /* in it; NULL: nothing */
  schat_policy policy;
  schat_host host;
  int64_t own_id; /* our user id; 0: not known */
  schat__account account;
  schat__queue queue;
  schat__table table;
  schat__config *configs;
  size_t config_count, config_capacity;

  /* Effects, oldest first. */
  schat__effect *first_effect, *last_effect;
  schat__effect *spare_effects; /* a few blocks for the next ones (event.c) */
  size_t spare_count;
  struct schat__lists *spare_lists; /* of a chat whose lists have become empty, for the next one */
  schat__flight *flights; /* sorted by token */
  size_t flight_count, flight_capacity;
  uint64_t next_token;
  uint64_t *handed; /* stored events that were handed over: their records go with the next commit */
  size_t handed_count, handed_capacity, stored_events;
  size_t passing_events; /* that wait, of those whose number is bounded */

  /* The journal of the commit that is being made. */
  schat__undo *journal;
  size_t journal_count, journal_capacity;
  schat__arena journal_arena; /* its copies */
  uint64_t savepoint; /* number of the input */
  uint64_t group;     /* number of the commit */
  uint64_t durable;   /* highest group that is durable */
  int account_dirty;
  schat_stats stats;
} schat__env;

/* journal.c: everything a step changes goes through these, so that it can be undone ------------------------------------------- */

typedef struct {
  size_t journal_count;
  schat__arena_mark copies;
  schat__effect *last_effect;
  schat__account account;
  schat__queue queue;
  uint64_t next_token;
  size_t stored_events;
  int account_dirty;
  schat_stats stats;
} schat__mark;

/* How the journal names what happened. */
typedef enum {
  SCHAT__UNDO_CHAT,
  SCHAT__UNDO_SECRETS,
  SCHAT__UNDO_ITEM_NEW,
  SCHAT__UNDO_ITEM_EDIT,
  SCHAT__UNDO_ITEM_GONE,
  SCHAT__UNDO_SLOT_NEW,
  SCHAT__UNDO_SLOT_GONE,
  SCHAT__UNDO_EFFECT_DROPPED,
  SCHAT__UNDO_CONFIG_NEW,
  SCHAT__UNDO_CONFIG_RULES,
  SCHAT__UNDO_FLIGHT_GONE
} schat__undo_kind;

struct schat__undo {
  uint8_t kind;     /* schat__undo_kind */
  uint8_t replaced; /* ITEM_EDIT: `before` owns the data that was replaced */
  schat__slot *slot;
  union {
    schat__chat *chat;       /* what there was; a copy in journal_arena */
    schat__secrets *secrets; /* what there was; may be NULL */
    struct {
      schat__item *item;
      schat__item *before; /* EDIT: a copy of its head, in journal_arena */
    } item;
    schat__effect *effect;
    schat__flight flight;
    struct {
      size_t index;
      uint32_t rules; /* CONFIG_RULES: those it was tested by before */
    } config;
  } u;
};

void schat__mark_set(schat__env *env, schat__mark *mark);
/* Back to the mark, and the journal's later entries forgotten. */
void schat__mark_undo(schat__env *env, const schat__mark *mark);
/* What is in the journal stays: frees, and wipes, what was replaced. */
void schat__journal_settle(schat__env *env);

/* To be called before the first change of slot->chat in an input. */
int schat__edit(schat__env *env, schat__slot *slot);
/* A copy of the secrets that may be changed (zero when there were none); the old ones are kept until the commit. */
int schat__edit_secrets(schat__env *env, schat__slot *slot);
int schat__drop_secrets(schat__env *env, schat__slot *slot);
int schat__slot_new(schat__env *env, int32_t chat_id, schat__slot **slot);
int schat__slot_remove(schat__env *env, schat__slot *slot);
void schat__slot_free(schat__env *env, schat__slot *slot);

/* A new item of the slot with `size` bytes of zeroed data. E_EXISTS when the key is taken. */
int schat__item_new(schat__env *env, schat__slot *slot, schat__item_kind kind, int64_t key, size_t size, schat__item **item);
/* Before the head of an item is changed. */
int schat__item_edit(schat__env *env, schat__slot *slot, schat__item *item);
/* Before its data is: gives it `size` new, zeroed bytes. */
int schat__item_replace(schat__env *env, schat__slot *slot, schat__item *item, size_t size);
int schat__item_remove(schat__env *env, schat__slot *slot, schat__item *item);
/* Reading the lists. */
size_t schat__count(const schat__slot *slot, schat__item_kind kind);
schat__item *schat__item_at(const schat__slot *slot, schat__item_kind kind, size_t index);
schat__item *schat__item_find(const schat__slot *slot, schat__item_kind kind, int64_t key);
size_t schat__item_lower_bound(const schat__slot *slot, schat__item_kind kind, int64_t key); /* index of the first key >= key */
void schat__lists_forget_spare(schat__env *env);
/* For loading: puts an item without a journal. */
int schat__item_load(schat__env *env, schat__slot *slot, schat__item *item);
schat__item *schat__item_alloc(schat__env *env, schat__item_kind kind, int64_t key, size_t size);
void schat__item_free(schat__env *env, schat__item *item);
size_t schat__item_memory(const schat__item *item);

/* table.c ------------------------------------------------------------------------------------------------------------------- */
schat__slot *schat__table_find(const schat__table *table, int32_t chat_id);
int schat__table_reserve(schat__env *env);                     /* room for one more */
void schat__table_put(schat__table *table, schat__slot *slot); /* there is room */
void schat__table_remove(schat__table *table, schat__slot *slot);
schat__slot *schat__table_next(const schat__table *table, size_t *at); /* *at from 0; NULL at the end */

/* event.c: events and requests on their way out ----------------------------------------------------------------------------- */

/* An event as a handler gives it; fields as in schat_event. `object`: the TL bytes of a message. */
typedef struct {
  int32_t type, chat_id, reason, date, value, old_chat_id, place, error_code, notify;
  int64_t random_id;
  const int64_t *random_ids;
  size_t random_id_count;
  schat_encrypted_file file;
  schat_bytes object;
  schat_bytes error_text;
} schat__event;

int schat__emit(schat__env *env, const schat__event *event);
int schat__emit_simple(schat__env *env, const schat__slot *slot, int32_t type, int32_t value);
int schat__emit_rejected(schat__env *env, int32_t chat_id, schat_reject reason);
/* 1 for events that are records until they have been handed over (D-35). */
int schat__event_is_stored(int32_t type);
/* Reads what emit wrote. E_CORRUPT, E_NOMEM. random_ids are unpacked into the arena, the rest borrows from data. */
int schat__event_decode(schat__arena *arena, const uint8_t *data, size_t size, schat__event *event);
/* Takes an event that waits out of the queue because its content has been deleted (R-TTL-05). */
int schat__events_forget(schat__env *env, int32_t chat_id, int64_t random_id);
int schat__events_forget_chat(schat__env *env, int32_t chat_id);
/* The same for a sorted set of ids. */
typedef struct schat__ids {
  int64_t *at;
  size_t count;
  int (*has)(const struct schat__ids *ids, int64_t random_id);
} schat__ids;
int schat__events_forget_many(schat__env *env, int32_t chat_id, const schat__ids *ids);
/* Appends an event read from the store. */
int schat__effect_load(schat__env *env, uint64_t id, const uint8_t *data, size_t size);
void schat__effect_free(schat__env *env, schat__effect *effect);
void schat__effects_forget_spares(schat__env *env);

/* A request with a new token. */
int schat__request(schat__env *env, int32_t chat_id, int32_t type, int64_t ref, uint64_t *token);
schat__flight *schat__flight_find(schat__env *env, uint64_t token);
int schat__flight_remove(schat__env *env, uint64_t token);
void schat__flight_forget(schat__env *env, uint64_t token); /* outside of a step: the request never left */

/* chat.c -------------------------------------------------------------------------------------------------------------------- */
int schat__is_originator(const schat__chat *chat);
/* Raw number to wire number and back; `of_originator`: the sender of the message started the chat (R-SEQ-04). */
int32_t schat__wire_out(int32_t raw, int of_originator);
int32_t schat__wire_in(int32_t raw, int of_originator);
const schat__config *schat__config_find(const schat__env *env, int64_t key);
void schat__chat_info(const schat__slot *slot, schat_chat_info *info);
int schat__emit_chat(schat__env *env, const schat__slot *slot); /* SCHAT_EVENT_CHAT */
int schat__chat_check(const schat__slot *slot);                 /* 1 when the invariants hold */
void schat__plan(schat__env *env, schat__slot *slot);           /* recomputes wake_at */
/* What is due in a chat, by time or because an input has changed something; called after every input that touched it. */
int schat__chat_tend(schat__env *env, schat__slot *slot);
int64_t schat__pause(unsigned tries); /* milliseconds before the next try: 1 s doubling to 60 s */

/* close.c ------------------------------------------------------------------------------------------------------------------- */
typedef struct {
  schat_close_reason reason;
  int tell_server;    /* send messages.discardEncryption */
  int delete_history; /* with it */
  int history_deleted; /* the peer asked for it */
  int32_t error_code;
  schat_bytes error_text;
} schat__closing;
/* Ends the chat: keys, secrets and items wiped in the same commit. Returns SCHAT_CHAT_CLOSED or a failure. */
int schat__close(schat__env *env, schat__slot *slot, const schat__closing *closing);
int schat__close_for(schat__env *env, schat__slot *slot, schat_close_reason reason); /* with a discard to the server */
/* All items of a chat. Timers go on in a closed one: what was to vanish still does. */
int schat__remove_items(schat__env *env, schat__slot *slot, int timers_too);
int schat__discard(schat__env *env, schat__slot *slot, uint32_t flags);
int schat__discard_done(schat__env *env, schat__slot *slot);
/* The peer wants the messages of a chat gone that is closed already (R-LIFE-01). */
int schat__history_deleted(schat__env *env, schat__slot *slot);

/* handshake.c --------------------------------------------------------------------------------------------------------------- */
int schat__create(schat__env *env, int64_t user_id, int32_t *chat_id);
int schat__invited(schat__env *env, const schat_chat_update *update);
int schat__accept(schat__env *env, schat__slot *slot);
/* The answer to getDhConfig: config is among env's. */
int schat__config_arrived(schat__env *env, schat__slot *slot, const schat__config *config, schat_bytes server_random);
/* EncryptedChat, as an answer or an update. */
int schat__chat_update(schat__env *env, schat__slot *slot, const schat_chat_update *update);
int schat__ask_failed(schat__env *env, schat__slot *slot, int32_t code, const char *text);
/* Asks (again) for what the state needs from the server. */
int schat__ask_now(schat__env *env, schat__slot *slot);
/* A message opened under the key of a chat we are accepting: it exists (D-17). */
int schat__accepted(schat__env *env, schat__slot *slot);
/* 1 when a live chat has seen this public value. */
int schat__dh_seen(schat__env *env, const uint8_t value[SCHAT__DH_SIZE], int64_t *digest, int *seen);

/* outbound.c ---------------------------------------------------------------------------------------------------------------- */
typedef struct {
  int64_t random_id;
  schat_bytes object; /* a boxed DecryptedMessage */
  int32_t method;     /* schat_request_type; 0: sendEncryptedService */
  int content, report, silent;
  schat__action_type action;
  const schat_input_file *file;
} schat__outgoing;
/* Gives a message its numbers, pads it and keeps it; SCHAT_CHAT_CLOSED when the counter is used up (R-SEQ-23). */
int schat__out_add(schat__env *env, schat__slot *slot, const schat__outgoing *outgoing);
/* The same for an action; random_id 0: chosen. */
int schat__out_action(schat__env *env, schat__slot *slot, schat__action *action, int report);
int schat__random_id(schat__env *env, const schat__slot *slot, int64_t *random_id);
int schat__random_id_taken(const schat__slot *slot, int64_t random_id);
/* Emits the sends that may go out now (R-SEQ-07, D-25). */
int schat__out_pump(schat__env *env, schat__slot *slot);
int schat__out_sent(schat__env *env, schat__slot *slot, schat__item *item, int32_t date, const schat_encrypted_file *file);
int schat__out_failed(schat__env *env, schat__slot *slot, schat__item *item, int error_class, int32_t seconds, int32_t code, const char *text);
/* Replaces the content by DeleteMessages of its own random_id under the same numbers (R-SEQ-21, D-08, D-09). */
int schat__out_erase(schat__env *env, schat__slot *slot, schat__item *item);
/* The sealed bytes of an item: size + 24 bytes at out. */
int schat__out_seal(schat__env *env, const schat__slot *slot, const schat__item *item, uint8_t *out);
schat__item *schat__out_by_random_id(const schat__slot *slot, int64_t random_id);
/* An item below peer_in_seq that answers a Resend for what is gone (D-07), not before clock `earliest`. */
int schat__out_noop(schat__env *env, schat__slot *slot, int32_t out_seq, int32_t in_seq, int64_t earliest);
/* Item `item` is to be sent (once more), not before retry_at. */
int schat__out_again(schat__env *env, schat__slot *slot, schat__item *item, int64_t retry_at);
/* The peer holds everything below raw number in_seq. */
int schat__out_acknowledge(schat__env *env, schat__slot *slot, int32_t in_seq, int32_t date);
/* How many messages of that action the peer has not confirmed; counting ends at `enough`. */
size_t schat__out_unconfirmed(const schat__slot *slot, schat__action_type action, size_t enough);
/* A previous key goes: what it sealed is to be sealed by the current one (D-06). */
int schat__out_rekey(schat__env *env, schat__slot *slot, int64_t old_fingerprint);

/* acked.c: numbers of messages the peer has confirmed, one varint each (D-07) ------------------------------------------------ */
void schat__acked_add(schat__chat *chat, int32_t out_seq, int32_t in_seq, unsigned keep);
/* The in_seq that message out_seq carried; -1 when it is not kept any more. */
int32_t schat__acked_find(const schat__chat *chat, int32_t out_seq);
/* 1 when what was read from a record is what the functions above write. */
int schat__acked_holds(const schat__chat *chat);

/* resend.c ------------------------------------------------------------------------------------------------------------------ */
int schat__resend_answer(schat__env *env, schat__slot *slot, int32_t wire_start, int32_t wire_end); /* R-SEQ-14..16 */
int schat__gap_ask(schat__env *env, schat__slot *slot);    /* R-SEQ-10, R-SEQ-11 */
int schat__gap_tend(schat__env *env, schat__slot *slot);   /* repeats (D-10), and notices the end of a gap */
void schat__gap_progress(schat__env *env, schat__slot *slot); /* a message came in order: patience begins anew */
int schat__gap_resume(schat__env *env, schat__slot *slot);    /* after a restart: asks once for all that is missing */
int schat__stuck_tend(schat__env *env, schat__slot *slot); /* D-36 */

/* inbound.c ----------------------------------------------------------------------------------------------------------------- */
int schat__in_message(schat__env *env, schat__slot *slot, const schat_encrypted_message *message);
/* Messages that came before the key was known. */
int schat__in_early(schat__env *env, schat__slot *slot);

/* ahead.c: messages of one input that are opened together ------------------------------------------------------------------- */
typedef struct schat__ahead schat__ahead;
/* Opens the first of these, and forgets those before: how many must have had their turns before the next call. */
size_t schat__ahead_open(schat__env *env, const schat_encrypted_message *messages, size_t count);
void schat__ahead_end(schat__env *env);
/* 1 with what schat__envelope_open gives for MTProto 2, when that message was opened ahead and under that key. */
int schat__ahead_find(const schat__env *env, const schat_encrypted_message *wire, const uint8_t *key, int64_t fingerprint,
                      int sender_is_originator, schat_bytes *object, int *verdict);

/* service.c ----------------------------------------------------------------------------------------------------------------- */
int schat__service(schat__env *env, schat__slot *slot, const schat__action *action, int32_t date, int resend_handled);
int schat__layer_seen(schat__env *env, schat__slot *slot, int32_t layer); /* R-LAY-02 */
int schat__notify_layer(schat__env *env, schat__slot *slot);              /* R-LAY-03 */

/* rekey.c ------------------------------------------------------------------------------------------------------------------- */
int schat__rekey_request(schat__env *env, schat__slot *slot, int64_t exchange_id, schat_bytes g_a);
int schat__rekey_accept(schat__env *env, schat__slot *slot, int64_t exchange_id, schat_bytes g_b, int64_t fingerprint);
int schat__rekey_commit(schat__env *env, schat__slot *slot, int64_t exchange_id, int64_t fingerprint);
int schat__rekey_abort(schat__env *env, schat__slot *slot, int64_t exchange_id);
/* A message of raw number `raw`, with in_seq_no `in_raw`, opened under this fingerprint: may switch keys (R-PFS-15). sealed_later: it may have been
 * made under another key. */
int schat__rekey_evidence(schat__env *env, schat__slot *slot, int64_t fingerprint, int32_t raw, int32_t in_raw, int sealed_later);
int schat__rekey_tend(schat__env *env, schat__slot *slot);
int64_t schat__rekey_deadline(const schat__env *env, const schat__slot *slot);
/* The key of a fingerprint, or NULL. */
const uint8_t *schat__key_of(const schat__slot *slot, int64_t fingerprint);

/* timer.c ------------------------------------------------------------------------------------------------------------------- */
int schat__timer_add(schat__env *env, schat__slot *slot, int64_t random_id, int32_t ttl, int on_open, int32_t date, int32_t out_seq);
/* Starts the clocks of what was read up to max_date. The ids of those that started (in env's arena) are for a receipt. */
int schat__timer_read(schat__env *env, schat__slot *slot, int outgoing, int32_t max_date, int64_t **started, size_t *started_count);
int schat__timer_open(schat__env *env, schat__slot *slot, int64_t random_id, int outgoing);
int schat__timer_expire(schat__env *env, schat__slot *slot);
/* Removes every trace of messages: timers, waiting events, kept content. */
int schat__forget_messages(schat__env *env, schat__slot *slot, const int64_t *random_ids, size_t count);
int schat__forget_all_messages(schat__env *env, schat__slot *slot, int ours_too);
int64_t schat__timer_deadline(const schat__slot *slot);

/* record.c ------------------------------------------------------------------------------------------------------------------ */
#define SCHAT__RECORD_VERSION 1u
#define SCHAT__CONFIG_VERSION 2u /* of a DHCONFIG with a verdict; 1: without */
void schat__chat_write(schat__writer *w, const schat__chat *chat);
int schat__chat_read(schat__reader *r, schat__chat *chat);
/* 0 when both make the same CHAT record. */
int schat__chat_differs(const schat__chat *a, const schat__chat *b);
/* Bytes that schat__chat_write, schat__keys_write, schat__item_head_write, schat__account_write and schat__config_write write at most. */
#define SCHAT__CHAT_RECORD_MOST 512u
#define SCHAT__KEYS_RECORD_MOST 1664u
#define SCHAT__ITEM_HEAD_MOST 192u
#define SCHAT__ACCOUNT_RECORD_MOST 64u
#define SCHAT__CONFIG_RECORD_MOST 288u
void schat__keys_write(schat__writer *w, const schat__slot *slot);
int schat__keys_read(schat__env *env, schat__reader *r, schat__slot *slot);
void schat__item_head_write(schat__writer *w, const schat__item *item); /* all but data */
void schat__item_write(schat__writer *w, const schat__item *item);
int schat__item_read(schat__env *env, schat__reader *r, uint32_t record, int64_t key, schat__item **item);
/* An event's record: its version, then the bytes that emit wrote. */
void schat__event_write(schat__writer *w, const uint8_t *data, size_t size);
int schat__event_read(const uint8_t *record, size_t record_size, const uint8_t **data, size_t *size);
void schat__account_write(schat__writer *w, const schat__account *account);
int schat__account_read(schat__reader *r, schat__account *account);
void schat__config_write(schat__writer *w, const schat__config *config);
int schat__config_read(schat__reader *r, schat__config *config);
/* Which record an item is; EARLY ones share GAP above 2^32. */
uint32_t schat__item_record(const schat__item *item, int64_t *key);
/* kind ‖ chat_id ‖ key: what sealing authenticates. */
#define SCHAT__AAD_SIZE 16u
void schat__record_aad(uint8_t aad[SCHAT__AAD_SIZE], uint32_t kind, int32_t chat_id, int64_t key);

#endif
