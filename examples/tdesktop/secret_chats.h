// SPDX-License-Identifier: BSL-1.0
// secret_chats.h - a sketch of how tdesktop would hold the library: one object per Main::Session, everything on the main thread.
//
// It uses the library without callbacks: each input is followed by drain(), which takes effects with schat_peek and schat_pop. So no C
// function ever calls into C++, no exception can cross a C frame, and a handler may feed the next input whenever it likes.
#pragma once

#include <map>
#include <optional>
#include <type_traits>

#include "secretchat/secretchat.h"
#include "stand_ins.h"

namespace SecretChats {

// What the history and the chat list need. Copies: an event's bytes are borrowed until it is popped.
struct Message {
  int32_t chatId = 0;
  uint64_t eventId = 0;  // key of the row: a repeated event finds it there
  bool repeated = false;
  int64_t randomId = 0;
  int64_t replyTo = 0;
  TimeId date = 0;
  int32_t ttl = 0;
  int32_t place = 0;
  bool notify = false;
  int32_t mediaType = SCHAT_MEDIA_NONE;
  QByteArray text, fileName, mimeType, fileKey, fileIv;
  int64_t fileSize = 0;
  MTPEncryptedFile file;
};
struct Removed {
  int32_t chatId = 0;
  bool everything = false;
  std::vector<int64_t> randomIds;
};
struct Receipt {
  enum class Kind { Sent, Failed, Delivered, Opened, Read } kind;
  int32_t chatId = 0;
  TimeId date = 0;
  std::vector<int64_t> randomIds;
};
struct Notice {  // one line of service text, or an alarm
  int32_t chatId = 0;
  int32_t type = 0;  // schat_event_type
  int32_t value = 0;
  int32_t reason = 0;
};

// What the host has around it: in tdesktop the session, its data and base::unixtime.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual int64_t now() const = 0;  // UTC milliseconds, corrected by the server's time
  virtual std::optional<MTPInputUser> resolveUser(int64_t userId) const = 0;
  virtual void requestDifference(int32_t qts, TimeId date) = 0;  // updates.getDifference; ends in handleDifference()
  virtual void fatal(int status) = 0;                            // the store is gone: stop sending and tell the user
};

class Manager final {
 public:
  Manager(Environment &environment, MTP::Transport &transport);
  ~Manager();
  Manager(const Manager &) = delete;
  Manager &operator=(const Manager &) = delete;

  // storageKey: derived from tdesktop's local key. SCHAT_OK, or why the chats cannot be opened.
  int open(const schat_store &store, const uint8_t *storageKey, int64_t selfId);

  // Facts. The four cases of Api::Updates::feedUpdate go to handle(), both kinds of difference to handleDifference().
  void handle(const MTPUpdate &update);
  void handleDifference(const std::vector<MTPEncryptedChat> &chats, const std::vector<MTPEncryptedMessage> &messages, int32_t qts,
                        TimeId date);

  // Commands: a status of the library.
  int create(int64_t userId, int32_t *chatId);
  int accept(int32_t chatId);
  int discard(int32_t chatId, bool alsoForPeer);
  int sendText(int32_t chatId, const QByteArray &text, const std::vector<schat_entity> &entities, int64_t replyTo, int64_t *randomId);
  int read(int32_t chatId, TimeId maxDate);
  int typing(int32_t chatId);
  std::optional<schat_chat_info> info(int32_t chatId) const;
  void wipeBeforeLogout();

  const rpl::event_stream<Message> &messages() const { return _messages; }
  const rpl::event_stream<Removed> &removed() const { return _removed; }
  const rpl::event_stream<Receipt> &receipts() const { return _receipts; }
  const rpl::event_stream<schat_chat_info> &chats() const { return _chats; }
  const rpl::event_stream<Notice> &notices() const { return _notices; }

 private:
  int after(int status);
  void drain();
  void arm();

  void carryOut(const schat_request &request);
  void carryOutSend(const schat_request &request, MTPInputEncryptedChat peer);
  template <typename Method>
  void start(const schat_request &request, Method &&method);
  void done(uint64_t token, const schat_answer &answer);
  void failed(uint64_t token, const MTP::Error &error);

  void tell(const schat_event &event);
  void tellMessage(const schat_event &event);
  void tellReceipt(const schat_event &event, Receipt::Kind kind);
  void tellRemoved(const schat_event &event, bool everything);

  Environment &_environment;
  MTP::Sender _api;
  base::Timer _timer;
  schat_manager *_manager = nullptr;
  bool _draining = false;
  std::map<uint64_t, mtpRequestId> _open;  // token -> request, for afterRequest()
  rpl::event_stream<Message> _messages;
  rpl::event_stream<Removed> _removed;
  rpl::event_stream<Receipt> _receipts;
  rpl::event_stream<schat_chat_info> _chats;
  rpl::event_stream<Notice> _notices;
};

}  // namespace SecretChats
