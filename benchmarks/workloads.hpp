// The workloads of catena_bench. Each reports to the session and does nothing when not selected;
// README.md says what they are.
#pragma once

#include <string>

#include "harness.hpp"

namespace bench {

void small_ops(Session& session);               // W1
void mlp(Session& session);                     // W2 and the Adam update alone
void images(Session& session);                  // W4
void pointwise(Session& session);               // W3
void chains(Session& session);                  // W3 and other chains, against loops
void lstm(Session& session);                    // W5
void transformer(Session& session);             // W6
void cross_entropy(Session& session);           // W6
void layer_norm(Session& session);              // W6
void files(Session& session, long parameters);  // W9
void tree(Session& session);                    // W7
void second_order(Session& session);            // W10
void cold_start(Session& session, const std::string& program);  // W8

}  // namespace bench
