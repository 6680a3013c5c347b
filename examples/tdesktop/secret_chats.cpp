// SPDX-License-Identifier: BSL-1.0
// secret_chats.cpp - maps the library's requests to tdesktop's API calls, and tdesktop's updates and answers to the library's inputs.
#include "secret_chats.h"

namespace SecretChats {
namespace {

schat_bytes Span(const QByteArray &bytes) {
  return {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
}

QByteArray Copy(schat_bytes bytes) {
  return bytes.size ? QByteArray(reinterpret_cast<const char *>(bytes.data), bytes.size) : QByteArray();
}

schat_encrypted_file File(const MTPEncryptedFile &file) {
  return {file.id, file.access_hash, file.size, file.dc_id, file.key_fingerprint};
}

MTPEncryptedFile File(const schat_encrypted_file &file) {
  auto result = MTPEncryptedFile();
  result.id = file.id;
  result.access_hash = file.access_hash;
  result.size = file.size;
  result.dc_id = file.dc_id;
  result.key_fingerprint = file.key_fingerprint;
  return result;
}

MTPInputEncryptedFile File(const schat_input_file &file) {
  using Kind = MTPInputEncryptedFile::Kind;
  const auto kind = (file.type == SCHAT_INPUT_FILE_UPLOADED) ? Kind::Uploaded
                    : (file.type == SCHAT_INPUT_FILE_BIG)    ? Kind::BigUploaded
                                                             : Kind::Existing;
  return {kind, file.id, file.parts, file.md5_checksum, file.key_fingerprint, file.access_hash};
}

int32_t ChatType(mtpc type) {
  switch (type) {
    case mtpc::encryptedChatWaiting:
      return SCHAT_CHAT_UPDATE_WAITING;
    case mtpc::encryptedChatRequested:
      return SCHAT_CHAT_UPDATE_REQUESTED;
    case mtpc::encryptedChat:
      return SCHAT_CHAT_UPDATE_CHAT;
    case mtpc::encryptedChatDiscarded:
      return SCHAT_CHAT_UPDATE_DISCARDED;
    default:
      return SCHAT_CHAT_UPDATE_EMPTY;
  }
}

// Borrows from `chat`.
schat_chat_update Chat(const MTPEncryptedChat &chat) {
  auto result = schat_chat_update();
  SCHAT_INIT(result);
  result.type = ChatType(chat.type);
  result.chat_id = chat.id;
  result.access_hash = chat.access_hash;
  result.date = chat.date;
  result.folder_id = chat.folder_id;
  result.admin_id = chat.admin_id;
  result.participant_id = chat.participant_id;
  result.g_a = Span(chat.g_a_or_b);
  result.key_fingerprint = chat.key_fingerprint;
  result.history_deleted = chat.history_deleted ? 1 : 0;
  return result;
}

// Borrows from `message`.
schat_encrypted_message Encrypted(const MTPEncryptedMessage &message) {
  auto result = schat_encrypted_message();
  SCHAT_INIT(result);
  result.chat_id = message.chat_id;
  result.date = message.date;
  result.random_id = message.random_id;
  result.bytes = Span(message.bytes);
  result.file = File(message.file);
  result.service = message.service ? 1 : 0;
  return result;
}

schat_answer NewAnswer(int32_t type) {
  auto result = schat_answer();
  SCHAT_INIT(result);
  result.type = type;
  return result;
}

// One overload for each response type. All borrow from what they are given.
schat_answer Answer(const MTPBool &) {
  return NewAnswer(SCHAT_ANSWER_DONE);
}

schat_answer Answer(const MTPVectorLong &) {
  return NewAnswer(SCHAT_ANSWER_DONE);
}

schat_answer Answer(const MTPmessages_DhConfig &config) {
  auto result = NewAnswer(config.modified ? SCHAT_ANSWER_DH_CONFIG : SCHAT_ANSWER_DH_NOT_MODIFIED);
  result.g = config.g;
  result.version = config.version;
  result.p = Span(config.p);
  result.random = Span(config.random);
  return result;
}

schat_answer Answer(const MTPEncryptedChat &chat) {
  auto result = NewAnswer(SCHAT_ANSWER_CHAT);
  result.chat = Chat(chat);
  return result;
}

schat_answer Answer(const MTPmessages_SentEncryptedMessage &sent) {
  auto result = NewAnswer(sent.hasFile ? SCHAT_ANSWER_SENT_FILE : SCHAT_ANSWER_SENT);
  result.date = sent.date;
  result.file = File(sent.file);
  return result;
}

}  // namespace

Manager::Manager(Environment &environment, MTP::Transport &transport)
    : _environment(environment), _api(transport), _timer([this] {
        if (_manager) after(schat_tick(_manager, _environment.now()));
      }) {}

Manager::~Manager() {
  schat_close(_manager);
}

int Manager::open(const schat_store &store, const uint8_t *storageKey, int64_t selfId) {
  auto config = schat_config();
  SCHAT_INIT(config);
  config.store = &store;
  config.storage_key = storageKey;
  config.user_id = selfId;
  auto policy = schat_policy();
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;  // afterRequest() keeps the order
  config.policy = &policy;
  const auto status = schat_open(&config, _environment.now(), &_manager);
  if (status != SCHAT_OK) return status;
  auto qts = int32_t(), date = int32_t();
  if (schat_checkpoint(_manager, &qts, &date) == SCHAT_OK && qts) _environment.requestDifference(qts, date);
  return after(schat_tick(_manager, _environment.now()));
}

void Manager::handle(const MTPUpdate &update) {
  const auto now = _environment.now();
  switch (update.type) {
    case mtpc::updateNewEncryptedMessage: {
      const auto message = Encrypted(update.message);
      after(schat_input_message(_manager, &message, update.qts, now));
    } break;
    case mtpc::updateEncryption: {
      const auto chat = Chat(update.chat);
      after(schat_input_chat(_manager, &chat, now));
    } break;
    case mtpc::updateEncryptedMessagesRead:
      after(schat_input_read(_manager, update.chat_id, update.max_date, update.date, now));
      break;
    case mtpc::updateEncryptedChatTyping:
      after(schat_input_typing(_manager, update.chat_id, now));
      break;
    default:
      break;
  }
}

void Manager::handleDifference(const std::vector<MTPEncryptedChat> &chats, const std::vector<MTPEncryptedMessage> &messages, int32_t qts,
                               TimeId date) {
  auto chatUpdates = std::vector<schat_chat_update>();
  for (const auto &chat : chats) chatUpdates.push_back(Chat(chat));
  auto encrypted = std::vector<schat_encrypted_message>();
  for (const auto &message : messages) encrypted.push_back(Encrypted(message));
  auto difference = schat_difference();
  SCHAT_INIT(difference);
  difference.chats = chatUpdates.data();
  difference.chat_count = chatUpdates.size();
  difference.messages = encrypted.data();
  difference.message_count = encrypted.size();
  difference.qts = qts;
  difference.date = date;
  after(schat_input_difference(_manager, &difference, _environment.now()));
}

int Manager::create(int64_t userId, int32_t *chatId) {
  return after(schat_chat_create(_manager, userId, _environment.now(), chatId));
}

int Manager::accept(int32_t chatId) {
  return after(schat_chat_accept(_manager, chatId, _environment.now()));
}

int Manager::discard(int32_t chatId, bool alsoForPeer) {
  return after(schat_chat_discard(_manager, chatId, alsoForPeer ? SCHAT_DISCARD_HISTORY : 0, _environment.now()));
}

int Manager::sendText(int32_t chatId, const QByteArray &text, const std::vector<schat_entity> &entities, int64_t replyTo,
                      int64_t *randomId) {
  auto message = schat_message();
  schat_message_init(&message);
  message.text = Span(text);
  message.entities = entities.data();
  message.entity_count = entities.size();
  message.reply_to_random_id = replyTo;
  return after(schat_send(_manager, chatId, &message, nullptr, _environment.now(), randomId));
}

int Manager::read(int32_t chatId, TimeId maxDate) {
  return after(schat_messages_read(_manager, chatId, maxDate, _environment.now()));
}

int Manager::typing(int32_t chatId) {
  return after(schat_typing(_manager, chatId, 1, _environment.now()));
}

std::optional<schat_chat_info> Manager::info(int32_t chatId) const {
  auto result = schat_chat_info();
  SCHAT_INIT(result);
  return schat_chat_get_info(_manager, chatId, &result) == SCHAT_OK ? std::make_optional(result) : std::nullopt;
}

// From Main::Account::logOut, before the session is gone. Requests may still leave; keys do not stay whatever becomes of them.
void Manager::wipeBeforeLogout() {
  after(schat_discard_all(_manager, 0, _environment.now()));
  after(schat_wipe(_manager, _environment.now()));
}

// What every call into the library ends with. A failing store is the one thing that must stop the user interface.
int Manager::after(int status) {
  if (status == SCHAT_E_STORE || status == SCHAT_E_FULL || status == SCHAT_E_POISONED) _environment.fatal(status);
  drain();
  return status;
}

// Takes effects until there are none. What a handler feeds meanwhile is taken by the loop that runs already.
void Manager::drain() {
  if (_draining) return;
  _draining = true;
  auto effect = schat_effect();
  SCHAT_INIT(effect);
  while (schat_peek(_manager, &effect) == SCHAT_OK) {
    if (effect.request) carryOut(*effect.request);
    if (effect.event) tell(*effect.event);
    if (schat_pop(_manager) < 0) break;
  }
  _draining = false;
  arm();
}

void Manager::arm() {
  auto deadline = int64_t();
  if (schat_next_deadline(_manager, &deadline) != SCHAT_OK || deadline == INT64_MAX) {
    _timer.cancel();
    return;
  }
  const auto delay = deadline - _environment.now();
  _timer.callOnce(delay > 0 ? delay : 0);
}

// Requests ------------------------------------------------------------------------------------------------------------------

// MTP::Sender answers on the main thread from the event loop, never from inside send(): the request is popped by then.
template <typename Method>
void Manager::start(const schat_request &request, Method &&method) {
  using Response = typename std::decay_t<Method>::ResponseType;
  const auto token = request.token;
  const auto predecessor = _open.find(request.after);
  _open[token] = _api.request(std::move(method))
                     .done([=](const Response &result) { done(token, Answer(result)); })
                     .fail([=](const MTP::Error &error) { failed(token, error); })
                     .afterRequest(predecessor != _open.end() ? predecessor->second : 0)
                     .handleAllErrors()
                     .send();
}

void Manager::done(uint64_t token, const schat_answer &answer) {
  _open.erase(token);
  after(schat_request_done(_manager, token, &answer, _environment.now()));
}

void Manager::failed(uint64_t token, const MTP::Error &error) {
  _open.erase(token);
  after(schat_request_failed(_manager, token, error.code(), error.type().c_str(), _environment.now()));
}

void Manager::carryOut(const schat_request &request) {
  const auto peer = MTPInputEncryptedChat{request.chat_id, request.access_hash};
  switch (request.type) {
    case SCHAT_REQUEST_GET_DH_CONFIG:
      start(request, MTPmessages_GetDhConfig{request.version, request.random_length});
      break;
    case SCHAT_REQUEST_REQUEST_ENCRYPTION: {
      // A user we have no access hash for fails in the library's own words, once this effect has been popped.
      const auto user = _environment.resolveUser(request.user_id).value_or(MTPInputUser{request.user_id, 0});
      start(request, MTPmessages_RequestEncryption{user, static_cast<int32_t>(request.random_id), Copy(request.data)});
    } break;
    case SCHAT_REQUEST_ACCEPT_ENCRYPTION:
      start(request, MTPmessages_AcceptEncryption{peer, Copy(request.data), request.key_fingerprint});
      break;
    case SCHAT_REQUEST_DISCARD_ENCRYPTION:
      start(request, MTPmessages_DiscardEncryption{request.delete_history != 0, request.chat_id});
      break;
    case SCHAT_REQUEST_SET_TYPING:
      start(request, MTPmessages_SetEncryptedTyping{peer, request.typing != 0});
      break;
    case SCHAT_REQUEST_READ_HISTORY:
      start(request, MTPmessages_ReadEncryptedHistory{peer, request.max_date});
      break;
    case SCHAT_REQUEST_RECEIVED_QUEUE:
      start(request, MTPmessages_ReceivedQueue{request.qts});
      break;
    case SCHAT_REQUEST_REPORT_SPAM:
      start(request, MTPmessages_ReportEncryptedSpam{peer});
      break;
    case SCHAT_REQUEST_GET_DIFFERENCE:
      _environment.requestDifference(request.qts, request.date);
      break;
    default:
      carryOutSend(request, peer);
      break;
  }
}

void Manager::carryOutSend(const schat_request &request, MTPInputEncryptedChat peer) {
  const auto silent = (request.silent != 0);
  switch (request.type) {
    case SCHAT_REQUEST_SEND_ENCRYPTED:
      start(request, MTPmessages_SendEncrypted{silent, peer, request.random_id, Copy(request.data)});
      break;
    case SCHAT_REQUEST_SEND_ENCRYPTED_FILE:
      start(request, MTPmessages_SendEncryptedFile{silent, peer, request.random_id, Copy(request.data), File(request.file)});
      break;
    case SCHAT_REQUEST_SEND_SERVICE:
      start(request, MTPmessages_SendEncryptedService{peer, request.random_id, Copy(request.data)});
      break;
    default:
      break;  // a newer library: its request stays open until this file knows it
  }
}

// Events --------------------------------------------------------------------------------------------------------------------

void Manager::tell(const schat_event &event) {
  switch (event.type) {
    case SCHAT_EVENT_CHAT:
    case SCHAT_EVENT_INVITED:
    case SCHAT_EVENT_CLOSED:
      _chats.fire(schat_chat_info(*event.info));
      break;  // a copy: a listener may call the library
    case SCHAT_EVENT_MESSAGE:
      tellMessage(event);
      break;
    case SCHAT_EVENT_SENT:
      tellReceipt(event, Receipt::Kind::Sent);
      break;
    case SCHAT_EVENT_SEND_FAILED:
      tellReceipt(event, Receipt::Kind::Failed);
      break;
    case SCHAT_EVENT_DELIVERED:
      tellReceipt(event, Receipt::Kind::Delivered);
      break;
    case SCHAT_EVENT_OPENED:
      tellReceipt(event, Receipt::Kind::Opened);
      break;
    case SCHAT_EVENT_READ:
      tellReceipt(event, Receipt::Kind::Read);
      break;
    case SCHAT_EVENT_DELETED:
    case SCHAT_EVENT_EXPIRED:
      tellRemoved(event, false);
      break;
    case SCHAT_EVENT_HISTORY_FLUSHED:
      tellRemoved(event, true);
      break;
    default:
      _notices.fire({event.chat_id, event.type, event.value, event.reason});
      break;
  }
}

void Manager::tellMessage(const schat_event &event) {
  const auto &message = *event.message;
  auto result = Message();
  result.chatId = event.chat_id;
  result.eventId = event.id;
  result.repeated = (event.repeated != 0);
  result.randomId = message.random_id;
  result.replyTo = message.reply_to_random_id;
  result.date = event.date;
  result.ttl = message.ttl;
  result.place = event.place;
  result.notify = (event.notify != 0);
  result.mediaType = message.media.type;
  result.text = Copy(message.text);
  result.fileName = Copy(message.media.file_name);
  result.mimeType = Copy(message.media.mime_type);
  result.fileKey = Copy(message.media.key);
  result.fileIv = Copy(message.media.iv);
  result.fileSize = message.media.size;
  result.file = File(event.file);
  _messages.fire(result);
}

void Manager::tellReceipt(const schat_event &event, Receipt::Kind kind) {
  auto result = Receipt{kind, event.chat_id, event.date, {}};
  result.randomIds.assign(event.random_ids, event.random_ids + event.random_id_count);
  if (event.random_id) result.randomIds.push_back(event.random_id);
  _receipts.fire(result);
}

void Manager::tellRemoved(const schat_event &event, bool everything) {
  auto result = Removed{event.chat_id, everything, {}};
  result.randomIds.assign(event.random_ids, event.random_ids + event.random_id_count);
  _removed.fire(result);
}

}  // namespace SecretChats
