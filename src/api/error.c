/* SPDX-License-Identifier: BSL-1.0
 * error.c - what an error of the server means for a request: one table of names, then rules for the codes. */
#include "secretchat/secretchat.h"

#define SECONDS_DEFAULT 60  /* a pause without a readable number */
#define SECONDS_MAX 172800  /* two days: a server cannot stop us for longer */
#define SECONDS_FROZEN 3600 /* the account is frozen, for how long it does not say */
#define TEXT_MAX 128u       /* of a text, what is read */

/* Sets of requests. */
#define BIT(type) (1u << (type))
#define REQUEST BIT(SCHAT_REQUEST_REQUEST_ENCRYPTION)
#define ACCEPT BIT(SCHAT_REQUEST_ACCEPT_ENCRYPTION)
#define DISCARD BIT(SCHAT_REQUEST_DISCARD_ENCRYPTION)
#define SENDS (BIT(SCHAT_REQUEST_SEND_ENCRYPTED) | BIT(SCHAT_REQUEST_SEND_ENCRYPTED_FILE) | BIT(SCHAT_REQUEST_SEND_SERVICE))
#define ACKNOWLEDGE BIT(SCHAT_REQUEST_RECEIVED_QUEUE)
#define ANY 0xffffffffu

/* Names count whatever the code is: the server gives some of them as 400 here and as 500 or -503 there. The first row that fits decides. */
static const struct {
  const char *name;
  uint32_t requests;
  int32_t error_class;
} names[] = {
    {"MSG_WAIT_FAILED", SENDS, SCHAT_ERROR_RETRY_UNCHAINED},
    {"MSG_WAIT_TIMEOUT", SENDS, SCHAT_ERROR_RETRY_UNCHAINED},
    {"MSG_WAIT_FAILED", ANY, SCHAT_ERROR_RETRY},
    {"MSG_WAIT_TIMEOUT", ANY, SCHAT_ERROR_RETRY},
    {"ENCRYPTION_OCCUPY_FAILED", ANY, SCHAT_ERROR_RETRY},
    /* The session is not set up: the host's affair, and no fault of the request. */
    {"CONNECTION_NOT_INITED", ANY, SCHAT_ERROR_RETRY},
    {"CONNECTION_LAYER_INVALID", ANY, SCHAT_ERROR_RETRY},
    {"AUTH_KEY_PERM_EMPTY", ANY, SCHAT_ERROR_RETRY},
    {"SESSION_PASSWORD_NEEDED", ANY, SCHAT_ERROR_RETRY},
    {"AUTH_KEY_DUPLICATED", ANY, SCHAT_ERROR_ACCOUNT},
    {"RANDOM_ID_DUPLICATE", SENDS, SCHAT_ERROR_DONE},                 /* S17b */
    {"ENCRYPTION_DECLINED", SENDS | ACCEPT, SCHAT_ERROR_CHAT_CLOSED}, /* D-18, as the next ones */
    {"ENCRYPTION_ALREADY_DECLINED", SENDS | ACCEPT, SCHAT_ERROR_CHAT_CLOSED},
    {"ENCRYPTION_ID_INVALID", SENDS | ACCEPT, SCHAT_ERROR_CHAT_CLOSED},
    {"CHAT_ID_INVALID", SENDS | ACCEPT, SCHAT_ERROR_CHAT_CLOSED},
    {"USER_IS_BLOCKED", SENDS, SCHAT_ERROR_CHAT_CLOSED},
    {"USER_DELETED", SENDS, SCHAT_ERROR_CHAT_CLOSED},
    {"INPUT_USER_DEACTIVATED", SENDS, SCHAT_ERROR_CHAT_CLOSED},
    {"DH_G_A_INVALID", REQUEST, SCHAT_ERROR_NEW_ID},
    {"RANDOM_ID_DUPLICATE", REQUEST, SCHAT_ERROR_NEW_ID},
    {"ENCRYPTION_ALREADY_ACCEPTED", ACCEPT, SCHAT_ERROR_ALREADY_ACCEPTED},
    {"ENCRYPTION_ALREADY_DECLINED", DISCARD, SCHAT_ERROR_DONE},
    {"ENCRYPTION_ALREADY_ACCEPTED", DISCARD, SCHAT_ERROR_DONE},
    {"ENCRYPTION_DECLINED", DISCARD, SCHAT_ERROR_DONE},
    {"ENCRYPTION_ID_INVALID", DISCARD, SCHAT_ERROR_DONE},
    {"CHAT_ID_INVALID", DISCARD, SCHAT_ERROR_DONE},
    {"CHAT_ID_EMPTY", DISCARD, SCHAT_ERROR_DONE},
    {"MAX_QTS_INVALID", ACKNOWLEDGE, SCHAT_ERROR_STATE},
};

/* Texts that end in a number of seconds. */
static const char *const waits[] = {"FLOOD_WAIT_", "FLOOD_PREMIUM_WAIT_", "SLOWMODE_WAIT_"};

/* Some hosts hand on texts in their own spelling. */
static char upper(char c) {
  return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* How many characters of `text` the name covers: all of the name's, or 0. */
static size_t prefix(const char *text, const char *name) {
  size_t i;
  for (i = 0; name[i] != 0; i++) {
    if (upper(text[i]) != name[i]) return 0;
  }
  return i;
}

static int is_name(const char *text, const char *name) {
  size_t size = prefix(text, name);
  return size != 0 && text[size] == 0;
}

/* The number a text consists of: at most SECONDS_MAX; the default when it is none, or does not fit an int32. */
static int32_t seconds_of(const char *digits) {
  int64_t value = 0;
  size_t i;
  for (i = 0; digits[i] != 0; i++) {
    if (digits[i] < '0' || digits[i] > '9') return SECONDS_DEFAULT;
    value = value * 10 + (digits[i] - '0');
    if (value > INT32_MAX) return SECONDS_DEFAULT;
  }
  if (i == 0) return SECONDS_DEFAULT;
  return value < SECONDS_MAX ? (int32_t)value : SECONDS_MAX;
}

/* What follows the last underscore within the first TEXT_MAX characters; the end of the text when there is none. */
static const char *last_word(const char *text) {
  const char *word = NULL;
  size_t i;
  for (i = 0; i < TEXT_MAX && text[i] != 0; i++) {
    if (text[i] == '_') word = text + i + 1;
  }
  return word != NULL ? word : text + i;
}

static int is_frozen(const char *text) {
  return is_name(text, "FROZEN_METHOD_INVALID");
}

/* Seconds to wait, or -1 when the error is of another kind. */
static int32_t pause_of(int32_t code, const char *text) {
  size_t i;
  if (is_frozen(text)) return SECONDS_FROZEN;
  for (i = 0; i < sizeof waits / sizeof waits[0]; i++) {
    const size_t size = prefix(text, waits[i]);
    if (size != 0) return seconds_of(text + size);
  }
  return code == 420 || code == 429 ? seconds_of(last_word(text)) : -1;
}

/* What a refusal (a code of 400 to 499) means that has no name of its own here. */
static int class_of_refusal(int32_t request_type, int32_t code) {
  switch (request_type) {
    case SCHAT_REQUEST_REQUEST_ENCRYPTION:
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      return SCHAT_ERROR_CHAT_FAILED;
    case SCHAT_REQUEST_DISCARD_ENCRYPTION: /* nothing is left to close */
      return SCHAT_ERROR_DONE;
    case SCHAT_REQUEST_SEND_ENCRYPTED:
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
    case SCHAT_REQUEST_SEND_SERVICE:
      return code == 403 ? SCHAT_ERROR_CHAT_CLOSED : SCHAT_ERROR_MESSAGE; /* D-18, D-08 */
    case SCHAT_REQUEST_SET_TYPING:
    case SCHAT_REQUEST_READ_HISTORY:
    case SCHAT_REQUEST_RECEIVED_QUEUE: /* the next one acknowledges as much */
    case SCHAT_REQUEST_REPORT_SPAM:
      return SCHAT_ERROR_IGNORE;
    default: /* GET_DH_CONFIG, GET_DIFFERENCE: nothing goes on without them */
      return SCHAT_ERROR_RETRY;
  }
}

static int class_of(int32_t request_type, int32_t code, const char *text) {
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    if ((names[i].requests & BIT(request_type)) != 0 && is_name(text, names[i].name)) return names[i].error_class;
  }
  if (code == 401) return SCHAT_ERROR_ACCOUNT;
  if (code >= 400 && code <= 499) return class_of_refusal(request_type, code);
  return SCHAT_ERROR_RETRY; /* 303, 500, -503 and whatever else is the server's own trouble */
}

int schat_error_classify(int32_t request_type, int32_t code, const char *text, int32_t *seconds) {
  int32_t pause;
  if (request_type < SCHAT_REQUEST_GET_DH_CONFIG || request_type > SCHAT_REQUEST_GET_DIFFERENCE) return SCHAT_E_INVALID;
  if (text == NULL) text = "";
  pause = pause_of(code, text);
  if (seconds != NULL) *seconds = pause < 0 ? 0 : pause;
  return pause < 0 ? class_of(request_type, code, text) : SCHAT_ERROR_RETRY_AFTER;
}
