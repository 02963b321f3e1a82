// Other programs: where ours lies, and running one.
#pragma once

#include <string>
#include <vector>

namespace catena::tool {

// The folder of this program, for finding what is installed beside it.
std::string program_folder();
// The data of the worked tasks, beside the program in the build as once installed:
// <folder>/digits/digits.csv and the like.
std::string data_folder();

// Runs arguments[0] (found through PATH) with the arguments and waits; returns its exit status, 128
// + n when signal n ended it. Throws SystemError when it cannot be started.
int run_program(const std::vector<std::string>& arguments);

}  // namespace catena::tool
