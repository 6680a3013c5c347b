/* SPDX-License-Identifier: BSL-1.0
 * message.c - messages of every layer to and from the public model, and when their clocks start. */
#include <string.h>

#include "convert.h"

#define SLOT(word, how, member) SCHAT__SLOT(word, how, schat_message, member)
#define ENTITY_SLOT(word, how, member) SCHAT__SLOT(word, how, schat_entity, member)

static const schat__slot message_slots[SCHAT__WORD_COUNT] = {
    SLOT(random_id, LONG, random_id),   SLOT(ttl, COUNT, ttl),
    SLOT(message, BYTES, text),         SLOT(reply_to_random_id, LONG, reply_to_random_id),
    SLOT(grouped_id, LONG, grouped_id), SLOT(via_bot_name, BYTES, via_bot_name),
};

/* MessageEntity, and InputUser within the cloud's mention. */
static const schat__slot entity_slots[SCHAT__WORD_COUNT] = {
    ENTITY_SLOT(offset, INT, offset),  ENTITY_SLOT(length, INT, length), ENTITY_SLOT(language, BYTES, argument),
    ENTITY_SLOT(url, BYTES, argument), ENTITY_SLOT(user_id, LONG, id),   ENTITY_SLOT(document_id, LONG, id),
};

#define ENTITY_MAP(X)                                    \
  X(messageEntityUnknown, SCHAT_ENTITY_UNKNOWN)          \
  X(messageEntityMention, SCHAT_ENTITY_MENTION)          \
  X(messageEntityHashtag, SCHAT_ENTITY_HASHTAG)          \
  X(messageEntityBotCommand, SCHAT_ENTITY_BOT_COMMAND)   \
  X(messageEntityUrl, SCHAT_ENTITY_URL)                  \
  X(messageEntityEmail, SCHAT_ENTITY_EMAIL)              \
  X(messageEntityBold, SCHAT_ENTITY_BOLD)                \
  X(messageEntityItalic, SCHAT_ENTITY_ITALIC)            \
  X(messageEntityCode, SCHAT_ENTITY_CODE)                \
  X(messageEntityPre, SCHAT_ENTITY_PRE)                  \
  X(messageEntityTextUrl, SCHAT_ENTITY_TEXT_URL)         \
  X(messageEntityMentionName, SCHAT_ENTITY_MENTION_NAME) \
  X(messageEntityPhone, SCHAT_ENTITY_PHONE)              \
  X(messageEntityCashtag, SCHAT_ENTITY_CASHTAG)          \
  X(messageEntityBankCard, SCHAT_ENTITY_BANK_CARD)       \
  X(messageEntityUnderline, SCHAT_ENTITY_UNDERLINE)      \
  X(messageEntityStrike, SCHAT_ENTITY_STRIKE)            \
  X(messageEntityBlockquote, SCHAT_ENTITY_BLOCKQUOTE)    \
  X(messageEntitySpoiler, SCHAT_ENTITY_SPOILER)          \
  X(messageEntityCustomEmoji, SCHAT_ENTITY_CUSTOM_EMOJI)

#define TYPE_OF(constructor, type) [SCHAT__TL_##constructor] = type,
#define CONSTRUCTOR_OF(constructor, type) [type] = SCHAT__TL_##constructor,

/* The cloud's forms are read only (F10). */
static const uint8_t entity_types[SCHAT__TL_COUNT] = {
    ENTITY_MAP(TYPE_OF)[SCHAT__TL_messageEntityBlockquote_f1ccaaac] = SCHAT_ENTITY_BLOCKQUOTE,
    [SCHAT__TL_messageEntityMentionName_dc7b1140] = SCHAT_ENTITY_MENTION_NAME,
    [SCHAT__TL_inputMessageEntityMentionName] = SCHAT_ENTITY_MENTION_NAME,
};
static const uint8_t entity_constructors[SCHAT_ENTITY_CUSTOM_EMOJI + 1] = {ENTITY_MAP(CONSTRUCTOR_OF)};

/* Reading ------------------------------------------------------------------------------------------------------------------ */

/* 0 for an entity that starts before its text or has less than no length: it marks nothing. */
static int take_entity(const schat__tl_object *object, schat_entity *entity) {
  entity->type = entity_types[schat__tl_index(object)];
  schat__slots_take(entity_slots, object, entity);
  const schat__tl_value *user = schat__tl_get(object, SCHAT__WORD_user_id);
  if (schat__tl_index(object) == SCHAT__TL_inputMessageEntityMentionName) schat__slots_take(entity_slots, user->object, entity);
  return entity->offset >= 0 && entity->length >= 0;
}

static int take_entities(schat__arena *arena, const schat__tl_value *entities, schat_message *message) {
  if (entities == NULL || entities->vector.count == 0) return SCHAT_OK;
  if (entities->vector.count > SIZE_MAX / sizeof(schat_entity)) return SCHAT_E_NOMEM;
  schat_entity *list = schat__arena_take(arena, entities->vector.count * sizeof *list);
  if (list == NULL) return SCHAT_E_NOMEM;
  size_t n = 0;
  for (size_t i = 0; i < entities->vector.count; i++) {
    memset(&list[n], 0, sizeof list[n]);
    n += (size_t)take_entity(entities->vector.items[i].object, &list[n]);
  }
  message->entities = list;
  message->entity_count = n;
  return SCHAT_OK;
}

static int take_message(schat__arena *arena, const schat__tl_object *object, schat_message *message) {
  const schat__tl_value *media = schat__tl_get(object, SCHAT__WORD_media);
  const schat__tl_value *silent = schat__tl_get(object, SCHAT__WORD_silent);
  const schat__tl_value *no_webpage = schat__tl_get(object, SCHAT__WORD_no_webpage);
  schat__slots_take(message_slots, object, message);
  if (silent != NULL && silent->i != 0) message->flags |= SCHAT_MESSAGE_SILENT;
  if (no_webpage != NULL && no_webpage->i != 0) message->flags |= SCHAT_MESSAGE_NO_WEBPAGE;
  if (media->object != NULL) schat__media_take(media->object, &message->media);
  return take_entities(arena, schat__tl_get(object, SCHAT__WORD_entities), message);
}

int schat__message_decode(schat__arena *arena, schat_bytes data, schat_message *message, schat__action *action) {
  schat__tl_object *object;
  schat_message m;
  schat__action a;
  size_t used;
  int status = schat__tl_decode(arena, SCHAT__TYPE_DecryptedMessage, data.data, data.size, &object, &used);
  if (status != SCHAT_OK) return status;
  if (used != data.size) return SCHAT_E_MALFORMED;
  memset(&a, 0, sizeof a);
  SCHAT_INIT(m);
  const int is_service = schat__tl_get(object, SCHAT__WORD_action) != NULL;
  status = is_service ? schat__action_take(arena, object, &a) : take_message(arena, object, &m);
  if (status != SCHAT_OK) return status;
  *message = m;
  *action = a;
  return SCHAT_OK;
}

/* Writing ------------------------------------------------------------------------------------------------------------------ */

static int give_entity(schat__arena *arena, const schat_entity *entity, int32_t stated, schat__tl_value *entities) {
  if (entity->type < 0 || entity->type > SCHAT_ENTITY_CUSTOM_EMOJI || entity->offset < 0 || entity->length < 0) return SCHAT_E_INVALID;
  const unsigned constructor = entity_constructors[entity->type];
  if (!schat__layer_has(constructor, stated)) return SCHAT_OK;
  schat__tl_object *object = schat__tl_new(arena, constructor);
  if (object == NULL) return SCHAT_E_NOMEM;
  entities->vector.items[entities->vector.count++].object = object;
  return schat__slots_give(entity_slots, entity, object);
}

static int give_entities(schat__arena *arena, const schat_message *message, int32_t stated, schat__tl_value *entities) {
  if (message->entity_count == 0) return SCHAT_OK;
  if (message->entities == NULL) return SCHAT_E_INVALID;
  if (message->entity_count > SIZE_MAX / sizeof(schat__tl_value)) return SCHAT_E_TOO_LARGE;
  entities->vector.items = schat__arena_take(arena, message->entity_count * sizeof(schat__tl_value));
  if (entities->vector.items == NULL) return SCHAT_E_NOMEM;
  for (size_t i = 0; i < message->entity_count; i++) {
    const int status = give_entity(arena, &message->entities[i], stated, entities);
    if (status != SCHAT_OK) return status;
  }
  if (entities->vector.count == 0) entities->vector.items = NULL; /* all were left out: absent */
  return SCHAT_OK;
}

int schat__message_encode(schat__arena *arena, const schat_message *message, int32_t stated, uint8_t *out, size_t capacity, size_t *size) {
  if (message->random_id == 0 || !schat__layer_has(SCHAT__TL_decryptedMessage, stated)) return SCHAT_E_INVALID;
  schat__tl_object *object = schat__tl_new(arena, SCHAT__TL_decryptedMessage);
  if (object == NULL) return SCHAT_E_NOMEM;
  schat__tl_get(object, SCHAT__WORD_no_webpage)->i = 1;
  schat__tl_get(object, SCHAT__WORD_silent)->i = (message->flags & SCHAT_MESSAGE_SILENT) != 0;
  int status = schat__slots_give(message_slots, message, object);
  if (status != SCHAT_OK) return status;
  status = schat__media_give(arena, &message->media, stated, &schat__tl_get(object, SCHAT__WORD_media)->object);
  if (status != SCHAT_OK) return status;
  status = give_entities(arena, message, stated, schat__tl_get(object, SCHAT__WORD_entities));
  return status == SCHAT_OK ? schat__object_write(object, out, capacity, size) : status;
}

/* Clocks ------------------------------------------------------------------------------------------------------------------- */

static int is_playable(int32_t type) {
  return type == SCHAT_MEDIA_VIDEO || type == SCHAT_MEDIA_ROUND_VIDEO || type == SCHAT_MEDIA_VOICE || type == SCHAT_MEDIA_AUDIO ||
         type == SCHAT_MEDIA_ANIMATION;
}

int32_t schat__message_ttl(const schat_message *message) {
  if (message->ttl <= 0) return 0;
  if (message->ttl == SCHAT_TTL_AT_ONCE || !is_playable(message->media.type)) return message->ttl;
  if (message->media.duration < message->ttl) return message->ttl;
  /* Never up to the value that means at once. */
  return message->media.duration < SCHAT_TTL_AT_ONCE - 1 ? message->media.duration + 1 : SCHAT_TTL_AT_ONCE - 1;
}

int schat__message_starts_on_open(const schat_message *message) {
  const int32_t type = message->media.type;
  if (message->ttl == SCHAT_TTL_AT_ONCE) return 1;
  if (message->ttl < 1 || message->ttl > 60) return 0;
  return type == SCHAT_MEDIA_PHOTO || type == SCHAT_MEDIA_VIDEO || type == SCHAT_MEDIA_ROUND_VIDEO || type == SCHAT_MEDIA_VOICE;
}
