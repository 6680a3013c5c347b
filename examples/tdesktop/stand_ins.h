// SPDX-License-Identifier: BSL-1.0
// stand_ins.h - just enough of tdesktop's names for secret_chats.cpp to compile without Qt. In tdesktop itself this file is not needed:
// MTP::Sender, base::Timer, rpl::event_stream and the MTP… types come from lib_base, lib_rpl and the generated scheme, where the
// fields below are getters (vid().v) and a constructor is told by type() or match().
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using mtpRequestId = int32_t;
using TimeId = int32_t;
using QByteArray = std::string;  // .data(), .size()

enum class mtpc {
  encryptedChatEmpty,
  encryptedChatWaiting,
  encryptedChatRequested,
  encryptedChat,
  encryptedChatDiscarded,
  updateNewEncryptedMessage,
  updateEncryptedChatTyping,
  updateEncryption,
  updateEncryptedMessagesRead,
  other
};

struct MTPEncryptedChat {
  mtpc type = mtpc::encryptedChatEmpty;
  int32_t id = 0;
  int64_t access_hash = 0;
  TimeId date = 0;
  int32_t folder_id = 0;
  int64_t admin_id = 0, participant_id = 0;
  QByteArray g_a_or_b;
  int64_t key_fingerprint = 0;
  bool history_deleted = false;
};

struct MTPEncryptedFile {
  int64_t id = 0, access_hash = 0, size = 0;
  int32_t dc_id = 0, key_fingerprint = 0;
};

struct MTPEncryptedMessage {
  bool service = false;
  int64_t random_id = 0;
  int32_t chat_id = 0;
  TimeId date = 0;
  QByteArray bytes;
  MTPEncryptedFile file;
};

struct MTPUpdate {
  mtpc type = mtpc::other;
  MTPEncryptedMessage message;  // updateNewEncryptedMessage
  int32_t qts = 0;
  MTPEncryptedChat chat;  // updateEncryption
  int32_t chat_id = 0;    // the other two
  TimeId max_date = 0, date = 0;
};

struct MTPmessages_DhConfig {
  bool modified = false;
  int32_t g = 0, version = 0;
  QByteArray p, random;
};

struct MTPmessages_SentEncryptedMessage {
  TimeId date = 0;
  bool hasFile = false;
  MTPEncryptedFile file;
};

struct MTPBool {};
struct MTPVectorLong {};

struct MTPInputUser {
  int64_t user_id, access_hash;
};
struct MTPInputEncryptedChat {
  int32_t chat_id;
  int64_t access_hash;
};
struct MTPInputEncryptedFile {
  enum class Kind { Uploaded, BigUploaded, Existing } kind;
  int64_t id;
  int32_t parts;
  std::string md5_checksum;
  int32_t key_fingerprint;
  int64_t access_hash;
};

// Methods: the fields in the order of the scheme.
struct MTPmessages_GetDhConfig {
  using ResponseType = MTPmessages_DhConfig;
  int32_t version, random_length;
};
struct MTPmessages_RequestEncryption {
  using ResponseType = MTPEncryptedChat;
  MTPInputUser user_id;
  int32_t random_id;
  QByteArray g_a;
};
struct MTPmessages_AcceptEncryption {
  using ResponseType = MTPEncryptedChat;
  MTPInputEncryptedChat peer;
  QByteArray g_b;
  int64_t key_fingerprint;
};
struct MTPmessages_DiscardEncryption {
  using ResponseType = MTPBool;
  bool delete_history;
  int32_t chat_id;
};
struct MTPmessages_SendEncrypted {
  using ResponseType = MTPmessages_SentEncryptedMessage;
  bool silent;
  MTPInputEncryptedChat peer;
  int64_t random_id;
  QByteArray data;
};
struct MTPmessages_SendEncryptedFile {
  using ResponseType = MTPmessages_SentEncryptedMessage;
  bool silent;
  MTPInputEncryptedChat peer;
  int64_t random_id;
  QByteArray data;
  MTPInputEncryptedFile file;
};
struct MTPmessages_SendEncryptedService {
  using ResponseType = MTPmessages_SentEncryptedMessage;
  MTPInputEncryptedChat peer;
  int64_t random_id;
  QByteArray data;
};
struct MTPmessages_SetEncryptedTyping {
  using ResponseType = MTPBool;
  MTPInputEncryptedChat peer;
  bool typing;
};
struct MTPmessages_ReadEncryptedHistory {
  using ResponseType = MTPBool;
  MTPInputEncryptedChat peer;
  TimeId max_date;
};
struct MTPmessages_ReceivedQueue {
  using ResponseType = MTPVectorLong;
  int32_t max_qts;
};
struct MTPmessages_ReportEncryptedSpam {
  using ResponseType = MTPBool;
  MTPInputEncryptedChat peer;
};

namespace MTP {

class Error {
 public:
  Error(int code, std::string type) : _code(code), _type(std::move(type)) {}
  int code() const { return _code; }
  const std::string &type() const { return _type; }

 private:
  int _code;
  std::string _type;
};

// Stands for MTP::Instance: takes a method and calls one of the two handlers later, on the same thread.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual mtpRequestId send(std::any method, mtpRequestId after, std::function<void(const std::any &)> done,
                            std::function<void(const Error &)> fail) = 0;
  virtual void cancelAll() = 0;
};

template <typename Method>
class SpecificRequest {
 public:
  using Response = typename Method::ResponseType;
  SpecificRequest(Transport &transport, Method &&method) : _transport(transport), _method(std::move(method)) {}
  SpecificRequest &done(std::function<void(const Response &)> handler) {
    _done = [handler = std::move(handler)](const std::any &answer) { handler(std::any_cast<const Response &>(answer)); };
    return *this;
  }
  SpecificRequest &fail(std::function<void(const Error &)> handler) {
    _fail = std::move(handler);
    return *this;
  }
  SpecificRequest &afterRequest(mtpRequestId id) {
    _after = id;
    return *this;
  }
  // Errors that tdesktop would repeat by itself reach fail() instead: the library decides when to send again.
  SpecificRequest &handleAllErrors() { return *this; }
  mtpRequestId send() { return _transport.send(std::move(_method), _after, std::move(_done), std::move(_fail)); }

 private:
  Transport &_transport;
  Method _method;
  mtpRequestId _after = 0;
  std::function<void(const std::any &)> _done;
  std::function<void(const Error &)> _fail;
};

// Its destructor cancels what has not been answered; the library asks again when its store is opened the next time.
class Sender {
 public:
  explicit Sender(Transport &transport) : _transport(transport) {}
  ~Sender() { _transport.cancelAll(); }
  Sender(const Sender &) = delete;
  Sender &operator=(const Sender &) = delete;
  template <typename Method>
  SpecificRequest<Method> request(Method &&method) {
    return SpecificRequest<Method>(_transport, std::move(method));
  }

 private:
  Transport &_transport;
};

}  // namespace MTP

namespace base {

class Timer {
 public:
  explicit Timer(std::function<void()> callback) : _callback(std::move(callback)) {}
  void callOnce(int64_t milliseconds) { _delay = milliseconds; }
  void cancel() { _delay = -1; }
  int64_t delay() const { return _delay; }
  void fire() {
    _delay = -1;
    _callback();
  }

 private:
  std::function<void()> _callback;
  int64_t _delay = -1;
};

}  // namespace base

namespace rpl {

template <typename Value>
class event_stream {
 public:
  void fire(const Value &value) const {
    for (const auto &listener : _listeners) listener(value);
  }
  void listen(std::function<void(const Value &)> listener) { _listeners.push_back(std::move(listener)); }

 private:
  std::vector<std::function<void(const Value &)>> _listeners;
};

}  // namespace rpl
