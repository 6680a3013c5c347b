/* SPDX-License-Identifier: BSL-1.0
 * secretchat.h - Telegram Secret Chats for any client: the whole public interface.
 *
 * RULES, true of every function here
 *
 *  1. Inputs are const and borrowed for the call. Outputs are written only on success.
 *  2. 0 is success. A positive status is "fine, but" and says what became of the input. A negative status means that nothing changed:
 *     not memory, not storage, and no callback ran. What a peer or a server sends can only give a positive status; the one exception
 *     is a failure of our own side (memory, store, randomness) while it is handled, after which the same input may be given again.
 *  3. The library never reads a clock, a file or a socket. `now` is UTC in milliseconds since 1970; schat_next_deadline() says when
 *     schat_tick() wants to be called. A clock that is set back never lengthens the life of a message or of a key.
 *  4. Everything is durable before it is shown: no request and no event leaves before the store has committed what it rests on.
 *  5. A manager belongs to one thread at a time. Managers are independent of one another; there are no globals.
 *  6. Callbacks of schat_host may call back into the library (effects of the nested call are delivered by the outermost one). Callbacks
 *     of schat_store may not: they get SCHAT_E_REENTRANT.
 *  7. Structs that cross the boundary begin with their size; set it with sizeof, or use SCHAT_INIT. Fields added
 *     later stand at the end and mean nothing when zero.
 *  8. Bytes from the peer (texts, names, MIME types, sizes) are authentic but not trusted: they are what the peer sent, of the stated
 *     length, not terminated, not necessarily UTF-8. The library never fetches, opens or previews anything they name (D-33).
 *  9. No plaintext, key, exponent, msg_key or random_id is ever logged (D-34), and none reaches the store unsealed.
 *
 * Numbers such as R-SEQ-08, X-14 and D-35 name the protocol rules and this project's decisions that a line keeps. They
 * are listed with their tests in tests/requirements.tsv.
 *
 * What the host must do, because only it can:
 *  - show who asks before a chat is accepted, and let people compare the key picture out of band; then schat_chat_set_verified()
 *    (R-DH-14, R-DH-18);
 *  - hold a chat on one device: it belongs to one authorisation (R-Q-03); log out through schat_discard_all() and schat_wipe();
 *  - carry out requests, feed every update and answer, call schat_tick() (R-Q-01, R-Q-02);
 *  - remove messages and their files from its own tables when an event says so (R-TTL-05, R-LIFE-01);
 *  - keep storage_key in the system's key store: whoever has it and the store reads the chats.
 */
#ifndef SECRETCHAT_SECRETCHAT_H
#define SECRETCHAT_SECRETCHAT_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Statuses -----------------------------------------------------------------------------------------------------------------
 * Numbers are never reused. X(name, number, text) */
#define SCHAT_STATUS_MAP(X)                                                                                                    \
  X(SCHAT_OK, 0, "success")                                                                                                    \
  X(SCHAT_PENDING, 1, "the commit has begun; effects follow schat_commit_done")                                                \
  X(SCHAT_DUPLICATE, 2, "known already; nothing changed")                                                                      \
  X(SCHAT_REJECTED, 3, "the input was refused; an event says why")                                                             \
  X(SCHAT_WAITING, 4, "kept until what comes before it has arrived")                                                           \
  X(SCHAT_NEED_DIFFERENCE, 5, "updates are missing; a GET_DIFFERENCE request follows")                                         \
  X(SCHAT_IGNORED, 6, "lawful, and without effect now")                                                                        \
  X(SCHAT_CHAT_CLOSED, 7, "this input ended the chat")                                                                         \
  X(SCHAT_EMPTY, 8, "there is nothing to hand over")                                                                           \
  X(SCHAT_UNSUPPORTED_MESSAGE, 9, "authentic, in order, and of a kind this version cannot read")                               \
  X(SCHAT_E_INVALID, -1, "an argument is not lawful")                                                                          \
  X(SCHAT_E_NOMEM, -2, "no memory")                                                                                            \
  X(SCHAT_E_STORE, -3, "the store refused the commit or could not be read")                                                    \
  X(SCHAT_E_RANDOM, -4, "the source of random numbers failed")                                                                 \
  X(SCHAT_E_CRYPTO, -5, "libcrypto failed")                                                                                    \
  X(SCHAT_E_STATE, -6, "the chat is not in a state that allows this")                                                          \
  X(SCHAT_E_NO_CHAT, -7, "no such chat")                                                                                       \
  X(SCHAT_E_REENTRANT, -8, "called from a store callback")                                                                     \
  X(SCHAT_E_POISONED, -9, "a commit was lost after it had been accepted; open the store again")                                \
  X(SCHAT_E_UNSUPPORTED, -10, "the peer's client cannot read this")                                                            \
  X(SCHAT_E_TOO_LARGE, -11, "over a size limit")                                                                               \
  X(SCHAT_E_LIMIT, -12, "over a limit of the policy")                                                                          \
  X(SCHAT_E_CORRUPT, -13, "a stored record or a file is damaged")                                                              \
  X(SCHAT_E_ROLLED_BACK, -14, "the store is older than one that was seen before")                                              \
  X(SCHAT_E_VERSION, -15, "the store was written by a newer version")                                                          \
  X(SCHAT_E_KEY, -16, "the storage key does not open the store")                                                               \
  X(SCHAT_E_BUSY, -17, "another process or connection holds the store")                                                        \
  X(SCHAT_E_FULL, -18, "no space is left")                                                                                     \
  X(SCHAT_E_EXISTS, -19, "that identifier is in use")                                                                          \
  X(SCHAT_E_BUFFER, -20, "the buffer is too small; the size that is needed was written")                                       \
  X(SCHAT_E_ABI, -21, "a struct's size is not one of this version")                                                            \
  X(SCHAT_E_MALFORMED, -22, "the TL bytes are not lawful")                                                                     \
  X(SCHAT_E_FINGERPRINT, -23, "the file's key fingerprint differs")

typedef enum schat_status {
#define SCHAT_STATUS_ENUM(name, number, text) name = number,
  SCHAT_STATUS_MAP(SCHAT_STATUS_ENUM)
#undef SCHAT_STATUS_ENUM
      SCHAT_STATUS_MAX_ENUM = 0x7fffffff
} schat_status;

/* The text of a status, in English; "unknown status" for other numbers. Never NULL. */
SCHAT_API const char *schat_status_text(int status);
/* The name of a status ("SCHAT_E_STORE"); "SCHAT_UNKNOWN" for other numbers. Never NULL. */
SCHAT_API const char *schat_status_name(int status);
/* SCHAT_VERSION_STRING and SCHAT_VERSION_NUMBER of the library that runs, which may differ from that of the header. */
SCHAT_API const char *schat_version(void);
SCHAT_API uint32_t schat_version_number(void);

/* Plain parts -------------------------------------------------------------------------------------------------------------- */

/* Borrowed bytes. data may be NULL when size is 0. */
typedef struct schat_bytes {
  const uint8_t *data;
  size_t size;
} schat_bytes;

/* Fills `out` with `size` unpredictable bytes; 0 or a negative number. A failure is reported as SCHAT_E_RANDOM. */
typedef int (*schat_random_fn)(void *user_data, uint8_t *out, size_t size);

/* Optional allocator. allocate: `size` bytes aligned for any type, or NULL. release: what allocate gave. */
typedef struct schat_allocator {
  void *user_data;
  void *(*allocate)(void *user_data, size_t size);
  void (*release)(void *user_data, void *memory);
} schat_allocator;

/* The highest layer of the secret-chat schema this library speaks, and the ones it states on the wire (D-04). */
#define SCHAT_LAYER 144
#define SCHAT_LAYER_DEFAULT 73

#define SCHAT_KEY_HASH_SIZE 36
#define SCHAT_STORAGE_KEY_SIZE 32
#define SCHAT_FILE_KEY_SIZE 32

/* A message's ttl: use the chat's timer (R-TTL-02), or delete as soon as the content is closed (D-28). */
#define SCHAT_TTL_OF_CHAT (-1)
#define SCHAT_TTL_AT_ONCE 0x7fffffff

/* Messages -----------------------------------------------------------------------------------------------------------------
 * One model for the messages of every layer, 8 to 144. */

typedef enum schat_entity_type {
  SCHAT_ENTITY_UNKNOWN = 0,
  SCHAT_ENTITY_MENTION,
  SCHAT_ENTITY_HASHTAG,
  SCHAT_ENTITY_BOT_COMMAND,
  SCHAT_ENTITY_URL,
  SCHAT_ENTITY_EMAIL,
  SCHAT_ENTITY_BOLD,
  SCHAT_ENTITY_ITALIC,
  SCHAT_ENTITY_CODE,
  SCHAT_ENTITY_PRE,          /* argument: language */
  SCHAT_ENTITY_TEXT_URL,     /* argument: URL */
  SCHAT_ENTITY_MENTION_NAME, /* id: user; never sent */
  SCHAT_ENTITY_PHONE,        /* never sent, like the next two */
  SCHAT_ENTITY_CASHTAG,
  SCHAT_ENTITY_BANK_CARD,
  SCHAT_ENTITY_UNDERLINE,  /* layer 101, left out below, like the next two */
  SCHAT_ENTITY_STRIKE,
  SCHAT_ENTITY_BLOCKQUOTE,
  SCHAT_ENTITY_SPOILER,     /* layer 144, left out below, like the next */
  SCHAT_ENTITY_CUSTOM_EMOJI /* id: document */
} schat_entity_type;

typedef struct schat_entity {
  int32_t type;   /* schat_entity_type */
  int32_t offset; /* UTF-16 code units from the start of the text */
  int32_t length; /* UTF-16 code units */
  int64_t id;
  schat_bytes argument;
} schat_entity;

typedef enum schat_media_type {
  SCHAT_MEDIA_NONE = 0,
  SCHAT_MEDIA_PHOTO,
  SCHAT_MEDIA_VIDEO,
  SCHAT_MEDIA_ROUND_VIDEO,
  SCHAT_MEDIA_VOICE,
  SCHAT_MEDIA_AUDIO,
  SCHAT_MEDIA_DOCUMENT,
  SCHAT_MEDIA_STICKER,
  SCHAT_MEDIA_ANIMATION,
  SCHAT_MEDIA_EXTERNAL_DOCUMENT, /* a document of the cloud: id, access_hash, dc_id; usually a sticker */
  SCHAT_MEDIA_CONTACT,
  SCHAT_MEDIA_LOCATION,
  SCHAT_MEDIA_VENUE,
  SCHAT_MEDIA_WEB_PAGE, /* url only (D-33) */
  SCHAT_MEDIA_UNSUPPORTED
} schat_media_type;

/* Flat: which fields mean something follows from `type`. */
typedef struct schat_media {
  int32_t type; /* schat_media_type */

  /* Files: photo, video, round video, voice, audio, document, sticker, animation. */
  int64_t size;      /* bytes of plaintext (D-30) */
  schat_bytes key;   /* 32 bytes, or empty when the peer sent something else */
  schat_bytes iv;    /* 32 bytes, or empty */
  schat_bytes thumb; /* JPEG, unencrypted within the message */
  int32_t thumb_width, thumb_height;
  schat_bytes mime_type;
  schat_bytes file_name;
  schat_bytes caption;
  int32_t width, height; /* pixels */
  int32_t duration;      /* seconds */
  schat_bytes title, performer; /* audio */
  schat_bytes waveform;         /* voice: 5-bit samples, packed */
  schat_bytes emoji;            /* sticker: what it stands for */
  schat_bytes sticker_set;      /* sticker: short name, or empty */

  /* External document. */
  int64_t id, access_hash;
  int32_t date, dc_id;
  schat_bytes thumb_type;     /* photoSize: its letter */
  int32_t thumb_size;         /* photoSize: bytes of the cloud's thumbnail */
  int32_t thumb_dc_id, thumb_local_id; /* photoSize: where the cloud keeps it */
  int64_t thumb_volume_id, thumb_secret;

  /* Contact. */
  schat_bytes phone_number, first_name, last_name;
  int64_t user_id;

  /* Location, venue (title, address, provider, venue_id). */
  double latitude, longitude;
  schat_bytes address, provider, venue_id;

  /* Web page. */
  schat_bytes url;
} schat_media;

#define SCHAT_MESSAGE_SILENT 1u     /* no notification */
#define SCHAT_MESSAGE_NO_WEBPAGE 2u /* always set on what we send (D-33) */

typedef struct schat_message {
  size_t size;
  int64_t random_id; /* to send: 0 lets the library choose (D-26) */
  int32_t ttl;       /* seconds; 0 none; to send: SCHAT_TTL_OF_CHAT, the default of schat_message_init */
  uint32_t flags;    /* SCHAT_MESSAGE_… */
  schat_bytes text;  /* UTF-8 */
  const schat_entity *entities;
  size_t entity_count;
  schat_media media;
  int64_t reply_to_random_id; /* 0 none */
  int64_t grouped_id;         /* album; 0 none */
  schat_bytes via_bot_name;
} schat_message;

/* What can be asked of a peer's layer (schat_chat_supports). */
typedef enum schat_feature {
  SCHAT_FEATURE_MESSAGES = 1,        /* everything of layer 73 */
  SCHAT_FEATURE_ALBUMS,              /* 73: grouped_id, silent */
  SCHAT_FEATURE_NEW_ENTITIES,        /* 101: underline, strike, blockquote */
  SCHAT_FEATURE_BIG_FILES,           /* 144: files of 2^31 bytes and more */
  SCHAT_FEATURE_SPOILERS             /* 144: spoiler, custom emoji */
} schat_feature;

/* Files on Telegram's servers ------------------------------------------------------------------------------------------------ */

/* encryptedFile: where the server keeps an encrypted file. id 0: none. */
typedef struct schat_encrypted_file {
  int64_t id;
  int64_t access_hash;
  int64_t size; /* bytes of ciphertext */
  int32_t dc_id;
  int32_t key_fingerprint;
} schat_encrypted_file;

typedef enum schat_input_file_type {
  SCHAT_INPUT_FILE_NONE = 0,
  SCHAT_INPUT_FILE_UPLOADED,    /* upload.saveFilePart: id, parts, md5_checksum, key_fingerprint */
  SCHAT_INPUT_FILE_BIG,         /* upload.saveBigFilePart: id, parts, key_fingerprint */
  SCHAT_INPUT_FILE_EXISTING     /* one the server has: id, access_hash (forwarding, resends) */
} schat_input_file_type;

typedef struct schat_input_file {
  int32_t type; /* schat_input_file_type */
  int32_t parts;
  int64_t id;
  int64_t access_hash;
  int32_t key_fingerprint; /* schat_file_fingerprint */
  char md5_checksum[33];   /* 32 hex digits, or empty */
} schat_input_file;

/* The store ---------------------------------------------------------------------------------------------------------------- */

typedef enum schat_record_kind {
  SCHAT_RECORD_ACCOUNT = 1,
  SCHAT_RECORD_CHAT = 2,
  SCHAT_RECORD_KEYS = 3,
  SCHAT_RECORD_DH_CONFIG = 4,
  SCHAT_RECORD_OUTBOX = 5,
  SCHAT_RECORD_GAP = 6,
  SCHAT_RECORD_TIMER = 7,
  SCHAT_RECORD_EVENT = 8
} schat_record_kind;

/* One record. (kind, chat_id, key) names it; value is sealed (AES-256-GCM), and empty when the record is to be deleted. */
typedef struct schat_record {
  uint32_t kind;
  int32_t chat_id; /* 0 for records of the account */
  int64_t key;
  schat_bytes value;
} schat_record;

struct schat_event;

/* What one commit makes durable: all of it or nothing. `events` are the events it will cause, for a host that keeps messages in
 * tables of its own and writes both in one transaction (policy events_in_commit, D-35). Borrowed for the call. */
typedef struct schat_batch {
  size_t size;
  uint64_t ticket;     /* for schat_commit_done when the store answers SCHAT_PENDING */
  uint64_t generation; /* grows by one with every commit; X-15 */
  const schat_record *records;
  size_t record_count;
  const struct schat_event *events;
  size_t event_count;
} schat_batch;

/* Receives one record of a scan; a value other than 0 ends the scan, which returns it. */
typedef int (*schat_record_fn)(void *arg, const schat_record *record);

typedef struct schat_store {
  size_t size;
  void *user_data;
  /* All or nothing. SCHAT_OK: durable. SCHAT_PENDING: schat_commit_done() follows; the batch must be copied, and batches take effect
   * in their order. Negative (SCHAT_E_STORE, SCHAT_E_FULL, SCHAT_E_BUSY …): nothing was stored; the status reaches the caller. */
  int (*commit)(void *user_data, const schat_batch *batch);
  /* Calls fn for every record, in any order. 0, what fn returned, or a negative status. Called by schat_open only. */
  int (*scan)(void *user_data, schat_record_fn fn, void *arg);
  /* Optional. The highest generation a counter outside the backups has seen; 0 unknown. Lower in the store: SCHAT_E_ROLLED_BACK. */
  uint64_t (*generation)(void *user_data);
} schat_store;

/* Requests -----------------------------------------------------------------------------------------------------------------
 * What the library asks of Telegram's API. Each carries a token that is never used twice in the life of a manager. The answer goes to
 * schat_request_done or schat_request_failed, at once, later, or never: after a restart the library asks again, with the same random_id
 * and the same bytes. */

typedef enum schat_request_type {
  SCHAT_REQUEST_GET_DH_CONFIG = 1,   /* messages.getDhConfig */
  SCHAT_REQUEST_REQUEST_ENCRYPTION,  /* messages.requestEncryption */
  SCHAT_REQUEST_ACCEPT_ENCRYPTION,   /* messages.acceptEncryption */
  SCHAT_REQUEST_DISCARD_ENCRYPTION,  /* messages.discardEncryption */
  SCHAT_REQUEST_SEND_ENCRYPTED,      /* messages.sendEncrypted */
  SCHAT_REQUEST_SEND_ENCRYPTED_FILE, /* messages.sendEncryptedFile */
  SCHAT_REQUEST_SEND_SERVICE,        /* messages.sendEncryptedService */
  SCHAT_REQUEST_SET_TYPING,          /* messages.setEncryptedTyping */
  SCHAT_REQUEST_READ_HISTORY,        /* messages.readEncryptedHistory */
  SCHAT_REQUEST_RECEIVED_QUEUE,      /* messages.receivedQueue */
  SCHAT_REQUEST_REPORT_SPAM,         /* messages.reportEncryptedSpam */
  SCHAT_REQUEST_GET_DIFFERENCE       /* updates.getDifference; answered by schat_input_difference */
} schat_request_type;

/* Flat: which fields mean something follows from `type`. Borrowed for the callback, or until schat_pop. */
typedef struct schat_request {
  size_t size;
  int32_t type; /* schat_request_type */
  int32_t chat_id;
  uint64_t token;
  uint64_t after;      /* SEND_…: token of the send it must follow (invokeAfterMsg); 0 none (R-SEQ-07, D-25) */
  int64_t access_hash; /* of the chat: inputEncryptedChat */

  int32_t version;       /* GET_DH_CONFIG: of the configuration we hold, or 0 */
  int32_t random_length; /* GET_DH_CONFIG: 256 */
  int64_t user_id;       /* REQUEST_ENCRYPTION: the host adds the user's access hash */
  int64_t random_id;     /* SEND_…; REQUEST_ENCRYPTION: the chat's id */
  schat_bytes data;      /* REQUEST: g_a, ACCEPT: g_b (256 bytes each); SEND_…: the encrypted message */
  int64_t key_fingerprint; /* ACCEPT */
  int32_t silent;          /* SEND_ENCRYPTED, SEND_ENCRYPTED_FILE: 0 or 1 */
  int32_t delete_history;  /* DISCARD: 0 or 1 */
  int32_t typing;          /* SET_TYPING: 0 or 1 */
  int32_t max_date;        /* READ_HISTORY: UTC seconds */
  int32_t qts;             /* RECEIVED_QUEUE, GET_DIFFERENCE */
  int32_t date;            /* GET_DIFFERENCE: UTC seconds */
  schat_input_file file;   /* SEND_ENCRYPTED_FILE */
} schat_request;

/* Chats -------------------------------------------------------------------------------------------------------------------- */

typedef enum schat_state {
  SCHAT_STATE_NONE = 0,
  SCHAT_STATE_REQUESTING = 1,   /* we start: before the server's answer */
  SCHAT_STATE_WAITING_PEER = 2, /* we started: the peer has not accepted yet */
  SCHAT_STATE_INVITED = 3,      /* the peer started: schat_chat_accept or schat_chat_discard */
  SCHAT_STATE_ACCEPTING = 4,    /* accepted: before the server's answer */
  SCHAT_STATE_READY = 5,
  SCHAT_STATE_CLOSED = 6
} schat_state;

/* Why a chat ended. */
typedef enum schat_close_reason {
  SCHAT_CLOSE_NONE = 0,
  SCHAT_CLOSE_BY_US = 1,
  SCHAT_CLOSE_BY_PEER = 2,              /* also: the server said so */
  SCHAT_CLOSE_DECLINED = 3,             /* before the chat was ready */
  SCHAT_CLOSE_TAKEN_ELSEWHERE = 4,      /* another of our devices accepted it: not an error (D-16) */
  SCHAT_CLOSE_REQUEST_FAILED = 5,       /* the server refused to create it; code and text are in the event */
  SCHAT_CLOSE_KEY_MISMATCH = 6,         /* R-DH-13: tell the user */
  SCHAT_CLOSE_BAD_PARITY = 7,           /* R-SEQ-05 */
  SCHAT_CLOSE_BAD_IN_SEQ_NO = 8,        /* R-SEQ-17..19 */
  SCHAT_CLOSE_RESEND_IMPOSSIBLE = 9,    /* R-SEQ-14 */
  SCHAT_CLOSE_QUEUE_OVERFLOW = 10,      /* */
  SCHAT_CLOSE_COUNTER_EXHAUSTED = 11,   /* R-SEQ-23 */
  SCHAT_CLOSE_STORAGE_ROLLED_BACK = 12, /* */
  SCHAT_CLOSE_REKEY_REFUSED = 13,       /* policy strict_rekey (D-22) */
  SCHAT_CLOSE_ACCOUNT_GONE = 14         /* logged out (401) */
} schat_close_reason;

#define SCHAT_CHAT_ORIGINATOR 0x01u        /* we started it */
#define SCHAT_CHAT_VERIFIED 0x02u          /* the user compared the pictures */
#define SCHAT_CHAT_HISTORY_DELETED 0x04u   /* closed: remove all its messages (R-LIFE-01) */
#define SCHAT_CHAT_GAP 0x08u               /* "broken": messages of the peer are missing and have been asked for */
#define SCHAT_CHAT_GAP_STUCK 0x10u         /* … and the peer does not send them (D-10) */
#define SCHAT_CHAT_PEER_STUCK 0x20u        /* the peer does not get our messages (D-36) */
#define SCHAT_CHAT_PEER_NEWER 0x40u        /* the peer's client is newer than this library (R-DEC-09) */
#define SCHAT_CHAT_REKEYING 0x80u
#define SCHAT_CHAT_DISCARD_PENDING 0x100u  /* closed: the server has not confirmed it yet */

/* What a user interface shows of a chat. */
typedef struct schat_chat_info {
  size_t size;
  int32_t chat_id; /* any sign; never 0 */
  int32_t state;   /* schat_state */
  int32_t close_reason;
  uint32_t flags; /* SCHAT_CHAT_… */
  int64_t user_id;     /* the peer */
  int64_t access_hash; /* of the chat */
  int32_t folder_id;
  int32_t date;       /* of creation, UTC seconds, as the server says */
  int32_t peer_layer; /* R-LAY-01 */
  int32_t layer;      /* what we state: 73, 101 or 144 */
  int32_t ttl;        /* the chat's timer, seconds */
  int32_t last_date;        /* of the last message of the peer, UTC seconds */
  int32_t read_inbox_date;  /* we have read up to here */
  int32_t read_outbox_date; /* the peer has read up to here */
  int32_t unread_count;     /* messages of the peer since read_inbox_date */
  int32_t unacknowledged;   /* our messages that the peer has not confirmed */
  int32_t waiting;          /* messages of the peer that wait behind a gap */
  int64_t key_fingerprint;  /* of the key in use; a sanity check, never a verification (R-DH-18) */
  int64_t key_date;         /* of the key in use: UTC milliseconds, later where the clock was set back since */
  int64_t close_date;       /* UTC milliseconds */
  uint8_t key_hash[SCHAT_KEY_HASH_SIZE]; /* the picture of the first key; zero until there is one (R-DH-16) */
} schat_chat_info;

/* Events -------------------------------------------------------------------------------------------------------------------
 * Of those that others can cause without end and that are not stored (TYPING, REJECTED, REKEYED, REKEY_FAILED, GAP, PEER_NEWER_LAYER,
 * IN_SEQ_NO_REPAIRED) at most 1,000 wait to be handed over; schat_get_stats and schat_chat_get_info tell of the others. */

typedef enum schat_event_type {
  SCHAT_EVENT_CHAT = 1,         /* state, layer, flags or our own marks changed: info. What a message, a receipt or the peer's timer changes
                                   in schat_chat_info comes with their own events */
  SCHAT_EVENT_CHAT_MOVED,       /* the server wanted another id before anything was sent: old_chat_id is now chat_id */
  SCHAT_EVENT_INVITED,          /* the peer asks for a chat: prompt the user (R-DH-14): info */
  SCHAT_EVENT_CLOSED,           /* reason, flags in info; error_code, error_text when a server's error ended it */
  SCHAT_EVENT_MESSAGE,          /* message, file, raw, date, place */
  SCHAT_EVENT_UNSUPPORTED,      /* an authentic message that cannot be read: raw, date, place (D-03) */
  SCHAT_EVENT_SENT,             /* random_id, date, file: the server has it */
  SCHAT_EVENT_SEND_FAILED,      /* random_id, error_code, error_text: it will never arrive (D-08) */
  SCHAT_EVENT_DELIVERED,        /* random_id: the peer's client has it. Never stored: one confirms all that were sent before */
  SCHAT_EVENT_DELETED,          /* random_ids: remove them, with their files (R-TTL-06) */
  SCHAT_EVENT_EXPIRED,          /* random_ids: their time is over; remove them, with their files (R-TTL-03) */
  SCHAT_EVENT_HISTORY_FLUSHED,  /* remove every message of the chat */
  SCHAT_EVENT_OPENED,           /* random_ids: the peer has opened them (decryptedMessageActionReadMessages) */
  SCHAT_EVENT_READ,             /* date: the peer has read our messages up to it */
  SCHAT_EVENT_SCREENSHOT,       /* random_ids (may be none) */
  SCHAT_EVENT_TTL,              /* value: the chat's timer, set by the peer; random_id of the service message */
  SCHAT_EVENT_TYPING,           /* value: 1 or 0; shown for six seconds. Never stored */
  SCHAT_EVENT_REJECTED,         /* reason (schat_reject): an input was refused. Never stored */
  SCHAT_EVENT_REKEYED,          /* a new key is in use */
  SCHAT_EVENT_REKEY_FAILED,     /* reason (schat_reject) */
  SCHAT_EVENT_GAP,              /* value: how many messages of the peer are missing; 0: the gap is closed */
  SCHAT_EVENT_GAP_STUCK,        /* D-10 */
  SCHAT_EVENT_PEER_STUCK,       /* D-36: random_id */
  SCHAT_EVENT_PEER_NEWER_LAYER, /* value: its layer. Tell the user that this client is out of date (R-DEC-09) */
  SCHAT_EVENT_PEER_TOO_OLD,     /* the peer sends MTProto 1.0 and the policy refuses it */
  SCHAT_EVENT_IN_SEQ_NO_REPAIRED, /* policy tolerate_in_seq_no: a number was replaced by the highest seen */
  SCHAT_EVENT_ACCOUNT_GONE      /* 401: log in again; chats of this authorisation are lost */
} schat_event_type;

/* Why an input was refused or a rekeying failed. */
typedef enum schat_reject {
  SCHAT_REJECT_NONE = 0,
  SCHAT_REJECT_NOT_AUTHENTIC = 1,  /* every failure up to the verdict on msg_key, alike (R-DEC-03) */
  SCHAT_REJECT_UNKNOWN_KEY = 2,
  SCHAT_REJECT_MALFORMED = 3,      /* authentic, but no lawful wrapper */
  SCHAT_REJECT_RANDOM_BYTES = 4,   /* fewer than 15 (R-DEC-08) */
  SCHAT_REJECT_LAYER = 5,          /* a wrapper of a layer below 8 */
  SCHAT_REJECT_UNKNOWN_CHAT = 6,
  SCHAT_REJECT_STATE = 7,          /* not in this state of the chat */
  SCHAT_REJECT_IDENTITY = 8,       /* ids, access hash or participants contradict what is stored */
  SCHAT_REJECT_DH_CONFIG = 9,      /* R-DH-02..05 */
  SCHAT_REJECT_DH_VALUE = 10,      /* R-DH-07, R-DH-08, X-06, X-07 */
  SCHAT_REJECT_DH_REUSED = 11,     /* */
  SCHAT_REJECT_KEY_FINGERPRINT = 12,
  SCHAT_REJECT_EXCHANGE = 13,      /* not the exchange that is open */
  SCHAT_REJECT_LIMIT = 14,         /* over a bound of the policy */
  SCHAT_REJECT_TOO_LARGE = 15,
  SCHAT_REJECT_MTPROTO1 = 16,
  SCHAT_REJECT_DH_NOT_FRESH = 17,  /* "not modified" without a configuration held (R-DH-01) */
  SCHAT_REJECT_ABORTED = 18,       /* the peer sent AbortKey */
  SCHAT_REJECT_EXPIRED = 19        /* a rekeying unanswered for seven days (D-20) */
} schat_reject;

/* Flat: which fields mean something follows from `type`. Borrowed for the callback, or until schat_pop. */
typedef struct schat_event {
  size_t size;
  int32_t type; /* schat_event_type */
  int32_t chat_id;
  uint64_t id;      /* unique and growing for events that are stored (D-35); 0 for those that are not */
  int32_t repeated; /* 1: may have been handed over before a crash */
  int32_t reason;   /* schat_reject or schat_close_reason */
  int32_t date;     /* UTC seconds, as the server says */
  int32_t value;
  int32_t old_chat_id;
  int32_t place;    /* MESSAGE, UNSUPPORTED: shown after our message of this number, counting from 1 in the order sent; 0: before all
                       (R-SEQ-20) */
  int64_t random_id;
  const int64_t *random_ids;
  size_t random_id_count;
  const schat_message *message;
  schat_encrypted_file file; /* MESSAGE: what the server keeps for it; SENT: what became of the upload */
  schat_bytes raw;           /* MESSAGE, UNSUPPORTED: the TL object as the peer sent it */
  int32_t error_code;
  int32_t notify; /* MESSAGE: 1 when a notification is due (0: silent, or old) */
  schat_bytes error_text;
  const schat_chat_info *info; /* CHAT, INVITED, CLOSED */
} schat_event;

/* The host ----------------------------------------------------------------------------------------------------------------- */

#define SCHAT_LOG_ERROR 1
#define SCHAT_LOG_WARNING 2
#define SCHAT_LOG_INFO 3

/* request and event: both, or neither; without them effects wait for schat_peek and schat_pop. */
typedef struct schat_host {
  size_t size;
  void *user_data;
  void (*request)(void *user_data, const schat_request *request);
  void (*event)(void *user_data, const schat_event *event);
  schat_random_fn random;                                  /* optional; may not call the library */
  void (*log)(void *user_data, int level, const char *text); /* optional; never a secret (D-34) */
} schat_host;

/* Policies -----------------------------------------------------------------------------------------------------------------
 * Zero is the default everywhere. */
#define SCHAT_POLICY_TOLERATE_IN_SEQ_NO 0x01u /* R-SEQ-17: use the highest in_seq_no seen instead of closing (iOS) */
#define SCHAT_POLICY_REFUSE_MTPROTO1 0x02u    /* D-01 */
#define SCHAT_POLICY_STRICT_REKEY 0x04u       /* D-22: a bad rekeying closes the chat */
#define SCHAT_POLICY_PAD_BUCKETS 0x08u        /* D-12: TDLib's message sizes */
#define SCHAT_POLICY_EVENTS_IN_COMMIT 0x10u   /* D-35: the host stores events inside commit */
#define SCHAT_POLICY_CHAIN_SENDS 0x20u        /* D-25: the host can chain (invokeAfterMsg) */
#define SCHAT_POLICY_ACCEPT_AFTER 0x40u       /* D-16: accept by itself after accept_after_ms */
#define SCHAT_POLICY_KEEP_ACKED 0x80u         /* keep_acked is meant even when 0 */

typedef struct schat_policy {
  size_t size;
  uint32_t flags; /* SCHAT_POLICY_… */
  uint32_t accept_after_ms;
  uint32_t keep_acked;           /* acknowledged messages that can still be answered for; 0: 128; 128 at most (D-07) */
  uint32_t max_waiting_messages; /* behind a gap, per chat; 0: 1,000 (D-11) */
  uint32_t max_waiting_bytes;    /* 0: 4 MiB */
  uint32_t max_resend_span;      /* messages of one Resend; 0: 1,000 */
  uint32_t max_message_bytes;    /* of an encrypted message; 0: 1 MiB */
  uint32_t max_invited_chats;    /* chats asked for by others and not answered; 0: 1,000 */
  uint32_t rekey_messages;       /* 0: 100 (R-PFS-02); lower values rekey more often; 2 at least */
  uint32_t rekey_seconds;        /* 0: 604,800 */
} schat_policy;

/* Opening ------------------------------------------------------------------------------------------------------------------ */

typedef struct schat_manager schat_manager;

typedef struct schat_config {
  size_t size;
  const schat_store *store;         /* required; the struct is copied */
  const schat_host *host;           /* optional; copied */
  const schat_policy *policy;       /* optional; copied */
  const schat_allocator *allocator; /* optional; copied */
  const uint8_t *storage_key;       /* SCHAT_STORAGE_KEY_SIZE bytes; required; not kept after schat_close */
  int64_t user_id;                  /* our own; 0: not known, and not compared */
} schat_config;

/* Opens the chats of one account from its store, which may be empty. Requests that were not answered are queued again and
 * events that may not have been seen are queued as `repeated`; messages whose time is over expire first (D-28). Nothing is
 * handed over by this call: the first schat_tick, or schat_peek, does it.
 * SCHAT_OK; E_INVALID, E_ABI, E_NOMEM, E_RANDOM, E_CRYPTO, E_STORE or what the store's scan returned; E_KEY (the storage key is not that
 * of the store), E_CORRUPT, E_VERSION, E_ROLLED_BACK. */
SCHAT_API int schat_open(const schat_config *config, int64_t now, schat_manager **manager);

/* Wipes and frees. Records that events were handed over are committed first, where the store allows it. NULL is fine. Not from a
 * callback. */
SCHAT_API void schat_close(schat_manager *manager);

/* Chats: commands ----------------------------------------------------------------------------------------------------------
 * All return SCHAT_OK or SCHAT_PENDING when done; E_INVALID, E_NO_CHAT, E_STATE, E_NOMEM, E_RANDOM, E_CRYPTO, E_POISONED, E_REENTRANT, or what
 * the store's commit returned, when nothing happened; CHAT_CLOSED when the chat's numbers are used up (R-SEQ-23). Further statuses are
 * named at the function. */

/* Asks a user for a chat. *chat_id receives its id. R-DH-01, R-DH-09. */
SCHAT_API int schat_chat_create(schat_manager *manager, int64_t user_id, int64_t now, int32_t *chat_id);
/* Accepts an invitation (INVITED), after the user has said so (R-DH-14). */
SCHAT_API int schat_chat_accept(schat_manager *manager, int32_t chat_id, int64_t now);

#define SCHAT_DISCARD_HISTORY 1u     /* also ask the peer's client to remove all messages (R-LIFE-02) */
#define SCHAT_DISCARD_FLUSH_FIRST 2u /* READY: send FlushHistory, wait until the server has it and two seconds more, then discard */
/* Ends or declines a chat. Keys and messages waiting to be sent are wiped in the same commit. */
SCHAT_API int schat_chat_discard(schat_manager *manager, int32_t chat_id, uint32_t flags, int64_t now);
/* Forgets a CLOSED chat whose end the server has confirmed (otherwise E_STATE). */
SCHAT_API int schat_chat_forget(schat_manager *manager, int32_t chat_id, int64_t now);
/* Reports an invitation or a chat as spam; it stays open. */
SCHAT_API int schat_chat_report_spam(schat_manager *manager, int32_t chat_id, int64_t now);
/* Notes that the user has, or has not, compared the key pictures. Kept through restarts and rekeyings. */
SCHAT_API int schat_chat_set_verified(schat_manager *manager, int32_t chat_id, int verified, int64_t now);
/* Sets the chat's timer (seconds; 0 off) for messages sent from now on (R-TTL-04) and tells the peer. random_id 0: chosen. */
SCHAT_API int schat_chat_set_ttl(schat_manager *manager, int32_t chat_id, int32_t ttl, int64_t random_id, int64_t now);

/* Messages: commands ------------------------------------------------------------------------------------------------------- */

/* Sends a message; `file` where the media has one. *random_id (may be NULL) receives the message's random_id.
 * Also E_UNSUPPORTED (the peer cannot read it), E_TOO_LARGE, E_EXISTS (random_id is in use). R-ENC-01..10. */
SCHAT_API int schat_send(schat_manager *manager, int32_t chat_id, const schat_message *message, const schat_input_file *file, int64_t now,
                         int64_t *random_id);
/* Sends a DecryptedMessage of layer 73 or later that the host has encoded itself; unchanged where the peer's layer has all its
 * constructors, otherwise like schat_send. Service messages must be of the kinds that have a function here. Also E_MALFORMED. */
SCHAT_API int schat_send_object(schat_manager *manager, int32_t chat_id, schat_bytes object, const schat_input_file *file, int64_t now,
                                int64_t *random_id);
/* The user has seen the messages of the peer up to max_date (UTC seconds): tells the server, and starts the clocks of messages
 * that live from reading (D-28). This and the next two also serve CLOSED chats, whose messages are still shown and still end. */
SCHAT_API int schat_messages_read(schat_manager *manager, int32_t chat_id, int32_t max_date, int64_t now);
/* The user has opened these messages of the peer: tells the peer, one decryptedMessageActionReadMessages a message, and starts their
 * clocks. */
SCHAT_API int schat_messages_opened(schat_manager *manager, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t now);
/* The user has closed the content of these messages: those of SCHAT_TTL_AT_ONCE end now. */
SCHAT_API int schat_messages_closed(schat_manager *manager, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t now);
/* Deletes messages for both sides (R-SEQ-21, D-09). random_id of the service message, 0: chosen. */
SCHAT_API int schat_messages_delete(schat_manager *manager, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t random_id,
                                    int64_t now);
/* Deletes all messages for both sides. */
SCHAT_API int schat_history_flush(schat_manager *manager, int32_t chat_id, int64_t random_id, int64_t now);
/* Tells the peer that these messages were on a screenshot; count may be 0. */
SCHAT_API int schat_screenshot(schat_manager *manager, int32_t chat_id, const int64_t *random_ids, size_t count, int64_t random_id,
                               int64_t now);
/* The user types, or has stopped; at most one request in five seconds goes out (D-27): SCHAT_IGNORED otherwise. */
SCHAT_API int schat_typing(schat_manager *manager, int32_t chat_id, int typing, int64_t now);

/* Discards every chat (before logging out). */
SCHAT_API int schat_discard_all(schat_manager *manager, uint32_t flags, int64_t now);
/* Deletes every record and wipes all state at once; the manager is empty afterwards. Nothing is sent. */
SCHAT_API int schat_wipe(schat_manager *manager, int64_t now);

/* Facts from the server ----------------------------------------------------------------------------------------------------
 * All may also return DUPLICATE, REJECTED, WAITING, NEED_DIFFERENCE, IGNORED, CHAT_CLOSED, UNSUPPORTED_MESSAGE. Order does not matter, repeats do no
 * harm (D-17). */

typedef enum schat_chat_update_type {
  SCHAT_CHAT_UPDATE_EMPTY = 1,
  SCHAT_CHAT_UPDATE_WAITING,
  SCHAT_CHAT_UPDATE_REQUESTED,
  SCHAT_CHAT_UPDATE_CHAT,
  SCHAT_CHAT_UPDATE_DISCARDED
} schat_chat_update_type;

/* EncryptedChat. */
typedef struct schat_chat_update {
  size_t size;
  int32_t type; /* schat_chat_update_type */
  int32_t chat_id;
  int64_t access_hash;
  int32_t date;
  int32_t folder_id; /* REQUESTED */
  int64_t admin_id, participant_id;
  schat_bytes g_a;         /* REQUESTED: g_a; CHAT: g_a_or_b */
  int64_t key_fingerprint; /* CHAT */
  int32_t history_deleted; /* DISCARDED */
} schat_chat_update;

/* EncryptedMessage. */
typedef struct schat_encrypted_message {
  size_t size;
  int32_t chat_id;
  int32_t date;
  int64_t random_id;
  schat_bytes bytes;
  schat_encrypted_file file;
  int32_t service; /* encryptedMessageService */
} schat_encrypted_message;

/* updateEncryption. */
SCHAT_API int schat_input_chat(schat_manager *manager, const schat_chat_update *update, int64_t now);
/* updateNewEncryptedMessage; qts 0 when the host does not know it. The position in the queue is recorded in the same commit, whatever
 * becomes of the message (D-02, R-Q-01). */
SCHAT_API int schat_input_message(schat_manager *manager, const schat_encrypted_message *message, int32_t qts, int64_t now);
/* updateEncryptedMessagesRead. */
SCHAT_API int schat_input_read(schat_manager *manager, int32_t chat_id, int32_t max_date, int32_t date, int64_t now);
/* updateEncryptedChatTyping. */
SCHAT_API int schat_input_typing(schat_manager *manager, int32_t chat_id, int64_t now);

/* updates.difference and differenceSlice. */
typedef struct schat_difference {
  size_t size;
  const schat_chat_update *chats; /* updateEncryption of other_updates: applied first */
  size_t chat_count;
  const schat_encrypted_message *messages; /* new_encrypted_messages */
  size_t message_count;
  int32_t qts;  /* of state or intermediate_state */
  int32_t date; /* of state or intermediate_state */
} schat_difference;
/* All of an answer in one commit. A message that is refused does not keep the others. */
SCHAT_API int schat_input_difference(schat_manager *manager, const schat_difference *difference, int64_t now);
/* Where to ask the server to go on from: durable (D-31). In a new store *qts is 0, not known, and *date 1: from the
 * beginning, whatever the clock says, until a difference has said where we are. */
SCHAT_API int schat_checkpoint(const schat_manager *manager, int32_t *qts, int32_t *date);

/* Answers ------------------------------------------------------------------------------------------------------------------ */

typedef enum schat_answer_type {
  SCHAT_ANSWER_DONE = 1,        /* Bool, Vector<long>: no content */
  SCHAT_ANSWER_DH_CONFIG,       /* g, p, version, random */
  SCHAT_ANSWER_DH_NOT_MODIFIED, /* random */
  SCHAT_ANSWER_CHAT,            /* chat */
  SCHAT_ANSWER_SENT,            /* date */
  SCHAT_ANSWER_SENT_FILE        /* date, file */
} schat_answer_type;

typedef struct schat_answer {
  size_t size;
  int32_t type; /* schat_answer_type */
  int32_t g, version;
  int32_t date;
  schat_bytes p;      /* 256 bytes, big-endian */
  schat_bytes random; /* 256 bytes */
  schat_chat_update chat;
  schat_encrypted_file file;
} schat_answer;

/* The answer to a request. SCHAT_IGNORED for a token that is not open; SCHAT_REJECTED for one that does not fit, which leaves it open. */
SCHAT_API int schat_request_done(schat_manager *manager, uint64_t token, const schat_answer *answer, int64_t now);
/* The server's error: code and text as it sent them (420, "FLOOD_WAIT_17"). What follows is decided here (schat_error_classify). */
SCHAT_API int schat_request_failed(schat_manager *manager, uint64_t token, int32_t code, const char *text, int64_t now);

typedef enum schat_error_class {
  SCHAT_ERROR_RETRY = 1,       /* again, with growing pauses */
  SCHAT_ERROR_RETRY_AFTER,     /* again after *seconds */
  SCHAT_ERROR_RETRY_UNCHAINED, /* again, without the predecessor */
  SCHAT_ERROR_DONE,            /* it has been done already */
  SCHAT_ERROR_NEW_ID,          /* requestEncryption: again with a new exponent and id */
  SCHAT_ERROR_ALREADY_ACCEPTED, /* acceptEncryption: by us before a restart, or by another device */
  SCHAT_ERROR_MESSAGE,         /* this message can never be sent */
  SCHAT_ERROR_CHAT_CLOSED,     /* the other side has closed the chat */
  SCHAT_ERROR_CHAT_FAILED,     /* the chat could not be created */
  SCHAT_ERROR_STATE,           /* ask for the server's state */
  SCHAT_ERROR_IGNORE,
  SCHAT_ERROR_ACCOUNT          /* the account is logged out */
} schat_error_class;
/* What an error means for a request of a type: a pure function, for hosts that want to show it. *seconds may be NULL. */
SCHAT_API int schat_error_classify(int32_t request_type, int32_t code, const char *text, int32_t *seconds);

/* Time and the store ------------------------------------------------------------------------------------------------------- */

/* Does what is due. Also hands over what waits. SCHAT_OK, SCHAT_PENDING or a negative status: then it is due still, and a host waits a
 * while before it tries again. */
SCHAT_API int schat_tick(schat_manager *manager, int64_t now);
/* *deadline: when schat_tick wants to be called, UTC milliseconds; INT64_MAX: never. */
SCHAT_API int schat_next_deadline(const schat_manager *manager, int64_t *deadline);

/* A commit that was PENDING is durable (SCHAT_OK) or lost (negative). A loss poisons the manager: every call returns E_POISONED until it
 * is closed and opened again. Tickets must come in order. E_INVALID: no such commit is pending. */
SCHAT_API int schat_commit_done(schat_manager *manager, uint64_t ticket, int status);

/* Several inputs in one commit: between the two calls inputs change memory only, and effects wait. They may be nested. schat_end returns what
 * the commit returned; when that is negative, everything since the outermost schat_begin is undone. */
SCHAT_API int schat_begin(schat_manager *manager);
SCHAT_API int schat_end(schat_manager *manager, int64_t now);

/* Effects without callbacks ------------------------------------------------------------------------------------------------ */

typedef struct schat_effect {
  size_t size;
  const schat_request *request; /* one of the two */
  const schat_event *event;
} schat_effect;
/* Shows the next effect that may be handed over; it stays first, and borrowed, until schat_pop or any call that takes a manager and is
 * not const. SCHAT_OK or SCHAT_EMPTY; E_NOMEM, E_CRYPTO, E_STATE (the host has callbacks). */
SCHAT_API int schat_peek(schat_manager *manager, schat_effect *effect);
/* It has been handed over: SCHAT_OK or SCHAT_EMPTY. */
SCHAT_API int schat_pop(schat_manager *manager);

/* Queries ------------------------------------------------------------------------------------------------------------------ */

SCHAT_API int schat_chat_get_info(const schat_manager *manager, int32_t chat_id, schat_chat_info *info);
/* Ids of all chats, CLOSED ones too, in growing order. *count is how many there are; when `capacity` is smaller nothing is written to
 * chat_ids (call again with more). */
SCHAT_API int schat_chat_list(const schat_manager *manager, int32_t *chat_ids, size_t capacity, size_t *count);
/* 1 when the peer's client can read it, 0 when not, or E_NO_CHAT, E_INVALID. */
SCHAT_API int schat_chat_supports(const schat_manager *manager, int32_t chat_id, int32_t feature);

/* Counters since schat_open. */
typedef struct schat_stats {
  size_t size;
  uint64_t received, applied, duplicates, rejected;
  uint64_t sent, resent, resends_asked;
  uint64_t commits, records;
  uint64_t memory; /* bytes held for chats now */
} schat_stats;
SCHAT_API int schat_get_stats(const schat_manager *manager, schat_stats *stats);

/* The key picture ---------------------------------------------------------------------------------------------------------- */

#define SCHAT_PICTURE_SIDE 12
/* 12 x 12 cells of 0..3 (row by row), each a colour: FFFFFF D5E6F3 2D5775 2F99C9. Both people must see the same (R-DH-16). */
SCHAT_API void schat_key_picture(const uint8_t key_hash[SCHAT_KEY_HASH_SIZE], uint8_t cells[SCHAT_PICTURE_SIDE * SCHAT_PICTURE_SIDE]);
#define SCHAT_KEY_TEXT_SIZE 104
/* The first 32 bytes in hex as clients show them: four lines of eight bytes, a space between bytes and two more after the fourth;
 * lines end with \n but the last; terminated. */
SCHAT_API void schat_key_text(const uint8_t key_hash[SCHAT_KEY_HASH_SIZE], char text[SCHAT_KEY_TEXT_SIZE]);

/* Files --------------------------------------------------------------------------------------------------------------------
 * The cipher of encrypted files: AES-256-IGE in one stream over the whole file (R-FILE-01). There is no MAC on files: what is decrypted is
 * only as good as its source, so compare a hash of your own where that matters (R-FILE-03). A stream belongs to one thread at a time
 * and to no manager. */
typedef struct schat_file schat_file;

#define SCHAT_FILE_CHECKPOINT_SIZE 32

/* A fresh key and IV from `random` (NULL: OpenSSL's private generator). E_RANDOM, E_INVALID. */
SCHAT_API int schat_file_generate(schat_random_fn random, void *user_data, uint8_t key[SCHAT_FILE_KEY_SIZE], uint8_t iv[SCHAT_FILE_KEY_SIZE]);
/* R-FILE-02: md5(key ‖ iv), first four bytes XOR next four. E_CRYPTO. */
SCHAT_API int schat_file_fingerprint(const uint8_t key[SCHAT_FILE_KEY_SIZE], const uint8_t iv[SCHAT_FILE_KEY_SIZE], int32_t *fingerprint);
/* Bytes of ciphertext for `size` bytes of plaintext: the next multiple of 16. */
SCHAT_API int64_t schat_file_encrypted_size(int64_t size);

/* Begins to encrypt a file of `size` bytes. E_NOMEM, E_CRYPTO, E_INVALID. */
SCHAT_API int schat_file_encrypt_begin(const schat_allocator *allocator, const uint8_t key[SCHAT_FILE_KEY_SIZE], const uint8_t iv[SCHAT_FILE_KEY_SIZE],
                                       int64_t size, schat_random_fn random, void *user_data, schat_file **file);
/* Begins to decrypt: `media_size` is the plaintext's size as the message states it, `file` what the server keeps. The fingerprint is
 * compared first (E_FINGERPRINT), and a declared size over the ciphertext is refused (E_CORRUPT). */
SCHAT_API int schat_file_decrypt_begin(const schat_allocator *allocator, const uint8_t key[SCHAT_FILE_KEY_SIZE], const uint8_t iv[SCHAT_FILE_KEY_SIZE],
                                       int64_t media_size, const schat_encrypted_file *file, schat_file **out);
/* The next piece. Encrypting: any multiple of 16 bytes, the last piece whatever is left; the last block is filled with random bytes
 * (D-30), so `out` takes the size rounded up to 16. Decrypting: multiples of 16; what lies beyond the plaintext's size is trimmed.
 * *written: bytes of out. in == out is allowed. E_INVALID (not a multiple, or more than the file has), E_RANDOM, E_CRYPTO. */
SCHAT_API int schat_file_update(schat_file *file, const uint8_t *in, size_t size, uint8_t *out, size_t *written);

/* A piece of one of several files: what schat_file_update is given, and what it gave. */
typedef struct schat_file_part {
  size_t size;
  schat_file *file;
  const uint8_t *in;
  size_t in_size;
  uint8_t *out;
  size_t written; /* out: bytes of out, when status is SCHAT_OK */
  int32_t status; /* out: what schat_file_update would have returned */
} schat_file_part;

/* The next piece of each of several files, side by side: as many streams at a time as the processor can, which pays many times over for files of
 * like sizes. Files may be of any sizes and go in either direction; each part comes to what schat_file_update comes to, whatever becomes of the
 * others (R-FILE-01). in == out is allowed within a part; apart from that no part writes where another reads or writes.
 * SCHAT_OK: every part was tried, and its status says what came of it. E_INVALID (the same file in two parts; parts NULL), E_ABI: nothing
 * was done, and no status set.
 *
 * Example:
 *   static uint8_t pieces[2][65536];
 *   schat_file *files[2] = {NULL, NULL}; // from schat_file_encrypt_begin
 *   schat_file_part parts[2];
 *   for (int i = 0; i < 2; i++) {
 *     SCHAT_INIT(parts[i]);
 *     parts[i].file = files[i];
 *     parts[i].in = parts[i].out = pieces[i];
 *     parts[i].in_size = sizeof pieces[i];
 *   }
 *   if (schat_file_update_many(parts, 2) == SCHAT_OK && parts[0].status == SCHAT_OK) {
 *     // upload parts[0].written bytes of pieces[0]
 *   }
 */
SCHAT_API int schat_file_update_many(schat_file_part *parts, size_t count);
/* Where the stream stands: 32 bytes that resume it at `offset` (of the ciphertext, a multiple of 16). Secret like the key. E_STATE once the
 * last, partial block is done. */
SCHAT_API int schat_file_checkpoint(const schat_file *file, uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE], int64_t *offset);
/* Goes on from a checkpoint of the same file, forwards or back. E_INVALID. */
SCHAT_API int schat_file_resume(schat_file *file, const uint8_t checkpoint[SCHAT_FILE_CHECKPOINT_SIZE], int64_t offset);
/* Bytes of plaintext done, and 1 when all are. */
SCHAT_API int schat_file_progress(const schat_file *file, int64_t *done);
/* Wipes and frees; NULL is fine. */
SCHAT_API void schat_file_free(schat_file *file);

/* Telegram API bytes -------------------------------------------------------------------------------------------------------
 * For hosts that carry raw TL: the bytes of requests, answers and updates. Pure functions; never needed by typed hosts. Decoded
 * structs borrow from the bytes given. */

/* The body of a request, without invokeAfterMsg. `user_access_hash`: for REQUEST_ENCRYPTION. With out NULL, or too small: E_BUFFER and the
 * size in *size. E_INVALID: a type that is not a method, or lacks a field. */
SCHAT_API int schat_api_encode_request(const schat_request *request, int64_t user_access_hash, uint8_t *out, size_t capacity, size_t *size);
/* The name of the method ("messages.sendEncrypted"), or NULL. */
SCHAT_API const char *schat_api_method_name(int32_t request_type);
/* The answer to a request of a type, except GET_DIFFERENCE. E_MALFORMED. */
SCHAT_API int schat_api_decode_answer(int32_t request_type, schat_bytes tl, schat_answer *answer);
/* EncryptedChat. E_MALFORMED. */
SCHAT_API int schat_api_decode_chat(schat_bytes tl, schat_chat_update *chat);
/* EncryptedFile (encryptedFileEmpty gives id 0). E_MALFORMED. */
SCHAT_API int schat_api_decode_file(schat_bytes tl, schat_encrypted_file *file);
/* EncryptedMessage. E_MALFORMED. */
SCHAT_API int schat_api_decode_message(schat_bytes tl, schat_encrypted_message *message);

typedef enum schat_update_type {
  SCHAT_UPDATE_MESSAGE = 1, /* message, qts */
  SCHAT_UPDATE_CHAT,        /* chat, date */
  SCHAT_UPDATE_READ,        /* chat_id, max_date, date */
  SCHAT_UPDATE_TYPING       /* chat_id */
} schat_update_type;

typedef struct schat_update {
  size_t size;
  int32_t type; /* schat_update_type */
  int32_t chat_id;
  int32_t qts, date, max_date;
  schat_encrypted_message message;
  schat_chat_update chat;
} schat_update;
/* One of the four updates of secret chats; SCHAT_IGNORED for any other Update. E_MALFORMED. */
SCHAT_API int schat_api_decode_update(schat_bytes tl, schat_update *update);
/* Decodes and feeds an Update in one call: what schat_input_… returns, SCHAT_IGNORED or E_MALFORMED. */
SCHAT_API int schat_api_input_update(schat_manager *manager, schat_bytes tl, int64_t now);
/* updates.Difference as far as it holds nothing but secret chats: E_UNSUPPORTED when cloud objects, which only the host's own parser
 * knows, stand in it. E_MALFORMED. E_BUFFER writes to chat_count and message_count what is needed. *more: 1 for a slice; 2 for
 * differenceTooLong: nothing in it, ask again with the pts of updates.getState. That one and differenceEmpty leave qts 0: it has not moved.
 * Reading and typing in other_updates have no place here: hosts that want them feed those through schat_api_decode_update.
 * schat_api_encode_request takes the host's own pts for GET_DIFFERENCE in the place of user_access_hash (0: 1). */
SCHAT_API int schat_api_decode_difference(schat_bytes tl, schat_chat_update *chats, size_t chat_capacity, schat_encrypted_message *messages,
                                          size_t message_capacity, schat_difference *difference, int32_t *more);

/* Bodies of the methods that move files (upload.saveFilePart, saveBigFilePart, getFile) and of account.changeAuthorizationSettings. E_BUFFER as
 * above; E_INVALID. */
SCHAT_API int schat_api_encode_save_file_part(int64_t file_id, int32_t part, int32_t total_parts, int big, schat_bytes bytes, uint8_t *out,
                                              size_t capacity, size_t *size);
SCHAT_API int schat_api_encode_upload_encrypted_file(int32_t chat_id, int64_t access_hash, const schat_input_file *file, uint8_t *out,
                                                     size_t capacity, size_t *size);
SCHAT_API int schat_api_encode_get_file(const schat_encrypted_file *file, int64_t offset, int32_t limit, uint8_t *out, size_t capacity,
                                        size_t *size);
/* upload.file: its bytes. E_MALFORMED. */
SCHAT_API int schat_api_decode_file_part(schat_bytes tl, schat_bytes *bytes);
SCHAT_API int schat_api_encode_get_state(uint8_t *out, size_t capacity, size_t *size);
/* updates.State. E_MALFORMED. */
SCHAT_API int schat_api_decode_state(schat_bytes tl, int32_t *pts, int32_t *qts, int32_t *date, int32_t *seq);
/* Whether this session may be asked for secret chats at all. */
SCHAT_API int schat_api_encode_accept_requests(int64_t session_hash, int accept, uint8_t *out, size_t capacity, size_t *size);

/* Initialisers ------------------------------------------------------------------------------------------------------------- */

/* Zeroes a struct and sets its size; a message gets SCHAT_TTL_OF_CHAT. */
#define SCHAT_INIT(object) schat__init(&(object), sizeof(object))
static inline void schat__init(void *object, size_t size) {
  unsigned char *p = (unsigned char *)object;
  size_t i;
  for (i = 0; i < size; i++) p[i] = 0;
  *(size_t *)object = size;
}
static inline void schat_message_init(schat_message *message) {
  schat__init(message, sizeof *message);
  message->ttl = SCHAT_TTL_OF_CHAT;
}

#ifdef __cplusplus
}
#endif

#endif
