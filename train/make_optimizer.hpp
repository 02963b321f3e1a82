// Optimizers and schedules by name, with options as text, for programs that take them from a
// command line or a file.
#pragma once

#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "catena/train/optimizer.hpp"
#include "catena/train/schedule.hpp"

namespace catena::optim {

// "adam", "sgd(lr=0.1, momentum=0.9, nesterov=true)": a name of optimizer_names() and options by
// their names in PyTorch (betas as beta1 and beta2); what is not given has its default. Throws
// ArgumentError, with the nearest names, for a name or an option there is not.
std::unique_ptr<Optimizer> make_optimizer(
    std::string_view text, const std::vector<Tensor>& params,
    std::source_location loc = std::source_location::current());
// "adadelta", "adagrad", ...
const std::vector<std::string>& optimizer_names();
// Throws "[op] ..." as make_optimizer would for the name; options are looked at when it is made.
void check_optimizer_name(std::string_view op, std::string_view text,
                          std::source_location loc = std::source_location::current());

// "cosine(t_max=30)", "multi_step(milestones=[30, 60], gamma=0.1)". "sequential" and "chained" take
// others: "sequential(linear(total_iters=5), cosine(t_max=95), milestones=[5])". Numbers per
// parameter group are lists: "one_cycle(max_lr=[0.1, 0.01], total_steps=900)". LambdaLR and
// MultiplicativeLR take functions and have no text. Errors as above.
std::shared_ptr<Schedule> make_schedule(std::string_view text, Optimizer& optimizer,
                                        std::source_location loc = std::source_location::current());
const std::vector<std::string>& schedule_names();

}  // namespace catena::optim
