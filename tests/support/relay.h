/* SPDX-License-Identifier: BSL-1.0
 * relay.h - a Telegram server for secret chats inside the process: users, devices, chats, queues, files, and a network that fails on order.
 *
 * Everything follows from the seed, the calls and their times: no clock, no threads, no sockets. `now` is UTC in milliseconds; a time
 * before the latest one counts as the latest. Devices are small numbers from relay_add_device. Out of memory ends the process, as is
 * good enough for tests and examples. What it knows of a message is what a server knows: ids, dates and sealed bytes. */
#ifndef TESTS_SUPPORT_RELAY_H
#define TESTS_SUPPORT_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "secretchat/secretchat.h"

typedef struct relay relay;

relay *relay_new(uint64_t seed);
void relay_free(relay *r);

/* A new user; the id is positive and fits 53 bits. */
int64_t relay_add_user(relay *r);
/* A new device (authorisation) of a user, or -1 when there is no such user. */
int relay_add_device(relay *r, int64_t user_id);
/* Ends an authorisation: its chats are discarded, its queue is gone, and its requests fail with 401. */
void relay_log_out(relay *r, int device, int64_t now);

/* Faults: probabilities from 0 to 1; all zero at first. */
typedef struct relay_faults {
  double drop_update;         /* a push is lost; the queue, or the log of chat updates, still has it */
  double drop_for_good;       /* an accepted message leaves the queue at once: only the peer can send it again */
  double duplicate;           /* a push comes twice */
  double reorder;             /* a request or a delivery may overtake up to four before it; chained sends keep their order */
  double lost_request;        /* a request never arrives; nor does an answer */
  double lost_answer;         /* a request is carried out; the answer never comes */
  double error_420;           /* a request fails with FLOOD_WAIT_1 to 3, without effect */
  double error_500;           /* a request fails with 500 or -503, without effect */
  double error_after_effect;  /* a request is carried out and yet answered with 500 */
  double duplicate_error;     /* a repeated send is answered with RANDOM_ID_DUPLICATE instead of success (S17b) */
  int64_t delay_ms_max;       /* every request and every delivery takes from 0 to this long */
  size_t difference_messages; /* messages in one difference; more come as a slice. 0: all */
} relay_faults;
void relay_set_faults(relay *r, const relay_faults *faults);
/* The next request of a type from a device fails so, without effect. Several wait in their order. */
void relay_fail_next(relay *r, int device, int32_t request_type, int32_t code, const char *text);
/* The configuration that getDhConfig gives from now on; at first g = 3 over Telegram's prime, version 7. */
void relay_set_dh_config(relay *r, int32_t g, const uint8_t p[256], int32_t version);

/* Requests and deliveries ------------------------------------------------------------------------------------------------- */

/* Sends a request; everything is copied. The answer is for relay_poll. 0, or -1 when there is no such device. */
int relay_request(relay *r, int device, const schat_request *request, int64_t now);

typedef enum relay_kind {
  RELAY_ANSWER = 1, /* token, request_type, answer */
  RELAY_ERROR,      /* token, request_type, code, text */
  RELAY_DIFFERENCE, /* token, request_type, difference, more: the answer to GET_DIFFERENCE */
  RELAY_MESSAGE,    /* message, qts */
  RELAY_CHAT,       /* chat, date */
  RELAY_READ,       /* chat_id, max_date, date */
  RELAY_TYPING      /* chat_id */
} relay_kind;

typedef struct relay_item {
  int kind; /* relay_kind */
  uint64_t token;
  int32_t request_type;
  int32_t code;
  char text[64];
  schat_answer answer;
  schat_difference difference;
  int32_t more; /* 1: a slice */
  schat_encrypted_message message;
  schat_chat_update chat;
  int32_t chat_id, qts, date, max_date;
} relay_item;

/* The next thing that has arrived at a device: 1, or 0 when there is none at that time. It is borrowed until the next poll of the same
 * device, its disconnection, or relay_free. */
int relay_poll(relay *r, int device, int64_t now, const relay_item **item);
/* When something next happens: a request arrives, or a delivery. INT64_MAX: never. */
int64_t relay_next(const relay *r);
/* What getDifference would answer now, at once and without faults; borrowed like an item of relay_poll. NULL: no such device. */
const relay_item *relay_difference(relay *r, int device, int32_t qts, int32_t date, int64_t now);
/* The connection breaks, as in a crash of the device: what was on its way to it is lost, and so are the answers to all it has asked; requests
 * on their way arrive. Queue and files stay. It is connected again with its next request or poll; pushes until then are not made. */
void relay_disconnect(relay *r, int device);

/* What the server holds --------------------------------------------------------------------------------------------------- */

int32_t relay_qts(const relay *r, int device);         /* of the latest message queued for a device */
void relay_set_qts(relay *r, int device, int32_t qts); /* as if that many had been queued and acknowledged before */
size_t relay_queue_length(const relay *r, int device); /* messages not acknowledged */
int32_t relay_date(int64_t now);                       /* UTC seconds, as messages carry it */

/* Called for every message that the server accepts, before anything else becomes of it. */
typedef struct relay_sent {
  int device; /* of the sender */
  int to;     /* the receiver's */
  int32_t chat_id;
  int32_t request_type; /* SCHAT_REQUEST_SEND_… */
  int64_t random_id;
  int32_t date;
  int repeated; /* 1: it is still queued, and not queued again */
  schat_bytes bytes;
} relay_sent;
typedef void (*relay_tap_fn)(void *user_data, const relay_sent *sent);
void relay_tap(relay *r, relay_tap_fn tap, void *user_data);

/* What an attacker in the server's place does: queues any message for a device (its qts is returned), or pushes any chat update. */
int32_t relay_inject_message(relay *r, int device, const schat_encrypted_message *message, int64_t now);
void relay_inject_chat(relay *r, int device, const schat_chat_update *chat, int64_t now);

/* Files ------------------------------------------------------------------------------------------------------------------- */

/* Keeps one part of an upload of a user under the id that the sender has chosen. SEND_ENCRYPTED_FILE joins parts 0 to parts - 1. */
void relay_upload_part(relay *r, int device, int64_t upload_id, int32_t part, schat_bytes bytes);
/* The ciphertext of a file the server keeps: 1, or 0 when the id or the access hash is wrong. Valid until relay_free. */
int relay_file(const relay *r, const schat_encrypted_file *file, schat_bytes *bytes);

#endif
