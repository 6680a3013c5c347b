/* SPDX-License-Identifier: BSL-1.0
 * chat.pml - two endpoints of a secret chat, a server and time, each doing whatever rules.h allows, in any order. Searched to the end by
 * tests/model/run. */
c_decl {
\#include "rules.h"
}
c_state "model m" "Global"

/* One step, whole, and what it must not have done. A space stands before the parenthesis of a function, or Spin takes it for a side effect. */
#define STEP(name, may, does)                                          \
  ::d_step {                                                           \
    c_expr { may } -> c_code { does; };                                \
    name;                                                              \
    assert(c_expr { all_holds (&now.m) })                               \
  }

#define M &now.m

/* The server, and what it does with message `raw` of `side`. */
#define ON_MESSAGE(raw)                                                                                                       \
  STEP(printf("send %d %d\n", side, raw), may_send (M, Pserver->side, raw), model_send(M, Pserver->side, raw))                  \
  STEP(printf("unanswered %d %d\n", side, raw), may_go_unanswered (M, Pserver->side, raw), model_send_unanswered(M, Pserver->side, raw)) \
  STEP(printf("deliver %d %d\n", side, raw), may_deliver (M, Pserver->side, raw), model_deliver(M, Pserver->side, raw))         \
  STEP(printf("lose %d %d\n", side, raw), may_lose (M, Pserver->side, raw), model_lose(M, Pserver->side, raw))                  \
  STEP(printf("copy %d %d\n", side, raw), may_copy (M, Pserver->side, raw), model_copy(M, Pserver->side, raw))

proctype server(byte side) {
end:
  do
  ON_MESSAGE(0) ON_MESSAGE(1) ON_MESSAGE(2) ON_MESSAGE(3) ON_MESSAGE(4) ON_MESSAGE(5) ON_MESSAGE(6) ON_MESSAGE(7)
  ON_MESSAGE(8) ON_MESSAGE(9) ON_MESSAGE(10) ON_MESSAGE(11) ON_MESSAGE(12) ON_MESSAGE(13) ON_MESSAGE(14) ON_MESSAGE(15)
  od
}

/* A device and who holds it. */
proctype endpoint(byte side) {
end:
  do
  STEP(printf("say %d\n", side), may_say (M, Pendpoint->side), model_say(M, Pendpoint->side))
  STEP(printf("rekey %d 1\n", side), may_rekey (M, Pendpoint->side, 1), model_rekey(M, Pendpoint->side, 1))
  STEP(printf("rekey %d 2\n", side), may_rekey (M, Pendpoint->side, 2), model_rekey(M, Pendpoint->side, 2))
  STEP(printf("rekey %d 3\n", side), may_rekey (M, Pendpoint->side, 3), model_rekey(M, Pendpoint->side, 3))
  STEP(printf("crash %d\n", side), may_crash (M, Pendpoint->side), model_crash(M, Pendpoint->side))
  od
}

proctype time() {
end:
  do
  STEP(printf("pass\n"), may_pass (M), model_pass(M))
  od
}

init {
  atomic {
    c_code { model_init(&now.m); };
    run server(0);
    run server(1);
    run endpoint(0);
    run endpoint(1);
    run time()
  }
}
