/* SPDX-License-Identifier: BSL-1.0
 * layer.c - which constructors belong to the table that a strict reader of a stated layer uses (L3, D-04). */
#include "model.h"

#define NEVER 1

/* The last stated layer whose table has the constructor; 0: every one from its own layer up. Old forms are read, never written (D-05);
 * typing goes through the server (D-27); the four entities that are not official are in no table. */
static const uint8_t last_layer[SCHAT__TL_COUNT] = {
    [SCHAT__TL_decryptedMessage8] = NEVER,
    [SCHAT__TL_decryptedMessage23] = NEVER,
    [SCHAT__TL_decryptedMessage46] = NEVER,
    [SCHAT__TL_decryptedMessageService8] = NEVER,
    [SCHAT__TL_decryptedMessageMediaPhoto8] = NEVER,
    [SCHAT__TL_decryptedMessageMediaVideo8] = NEVER,
    [SCHAT__TL_decryptedMessageMediaVideo23] = NEVER,
    [SCHAT__TL_decryptedMessageMediaDocument8] = NEVER,
    [SCHAT__TL_decryptedMessageMediaDocument46] = 101,
    [SCHAT__TL_decryptedMessageMediaAudio8] = NEVER,
    [SCHAT__TL_documentAttributeSticker23] = NEVER,
    [SCHAT__TL_documentAttributeVideo23] = NEVER,
    [SCHAT__TL_documentAttributeAudio23] = NEVER,
    [SCHAT__TL_documentAttributeAudio45] = NEVER,
    [SCHAT__TL_messageEntityMentionName] = NEVER,
    [SCHAT__TL_messageEntityPhone] = NEVER,
    [SCHAT__TL_messageEntityCashtag] = NEVER,
    [SCHAT__TL_messageEntityBankCard] = NEVER,
    [SCHAT__TL_decryptedMessageActionTyping] = NEVER,
    [SCHAT__TL_sendMessageTypingAction] = NEVER,
    [SCHAT__TL_sendMessageCancelAction] = NEVER,
    [SCHAT__TL_sendMessageRecordVideoAction] = NEVER,
    [SCHAT__TL_sendMessageUploadVideoAction] = NEVER,
    [SCHAT__TL_sendMessageRecordAudioAction] = NEVER,
    [SCHAT__TL_sendMessageUploadAudioAction] = NEVER,
    [SCHAT__TL_sendMessageUploadPhotoAction] = NEVER,
    [SCHAT__TL_sendMessageUploadDocumentAction] = NEVER,
    [SCHAT__TL_sendMessageGeoLocationAction] = NEVER,
    [SCHAT__TL_sendMessageChooseContactAction] = NEVER,
    [SCHAT__TL_sendMessageRecordRoundAction] = NEVER,
    [SCHAT__TL_sendMessageUploadRoundAction] = NEVER,
};

int32_t schat__layer_for(int32_t peer_layer) {
  if (peer_layer >= 144) return 144;
  return peer_layer >= 101 ? 101 : 73;
}

int schat__layer_has(size_t constructor, int32_t stated) {
  const schat__tl_constructor *c = schat__tl_constructor_at(constructor);
  if (c == NULL || c->layer == 0 || (stated != 73 && stated != 101 && stated != 144)) return 0;
  const int32_t last = last_layer[constructor];
  return c->layer <= stated && (last == 0 || stated <= last);
}

static int allows_vector(const schat__tl_value *value, int32_t stated) {
  for (size_t i = 0; i < value->vector.count; i++) {
    if (!schat__layer_allows(value->vector.items[i].object, stated)) return 0;
  }
  return 1;
}

int schat__layer_allows(const schat__tl_object *object, int32_t stated) {
  if (!schat__layer_has(schat__tl_index(object), stated)) return 0;
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    const schat__tl_value *value = &object->fields[i];
    const unsigned kind = schat__tl_field_of(object->constructor, i)->kind;
    if (kind == SCHAT__TL_OBJECT && value->object != NULL && !schat__layer_allows(value->object, stated)) return 0;
    if (kind == SCHAT__TL_VECTOR_OBJECT && !allows_vector(value, stated)) return 0;
  }
  return 1;
}
