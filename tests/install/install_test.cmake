# Installs the build, moves the folder, and builds and tests examples/ against it.
#   cmake -D BUILD=.. -D SOURCE=.. -D WORK=.. -D CXX=.. -D BUILD_TYPE=.. -D LAUNCHER=.. -P ...
cmake_minimum_required(VERSION 3.25)

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run("install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/first)
file(RENAME ${WORK}/first ${WORK}/moved)

# No installed text file may name the folder of the build or of the source.
file(GLOB_RECURSE texts ${WORK}/moved/*.cmake ${WORK}/moved/*.pc ${WORK}/moved/*.hpp)
foreach(text ${texts})
  file(READ ${text} content)
  foreach(folder ${BUILD} ${SOURCE}/ ${WORK})
    string(FIND "${content}" "${folder}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${text} names ${folder}: the installation cannot be moved")
    endif()
  endforeach()
endforeach()

set(common -G Ninja -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
    -DCMAKE_PREFIX_PATH=${WORK}/moved)
if(LAUNCHER)
  list(APPEND common -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
endif()
run("configuring examples/" ${CMAKE_COMMAND} -S ${SOURCE}/examples -B ${WORK}/examples ${common})
run("building examples/" ${CMAKE_COMMAND} --build ${WORK}/examples)
run("running examples/" ${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/examples --output-on-failure
    --no-tests=error)
message("${output}")

# An unknown component must be refused by name.
file(WRITE ${WORK}/wrong/CMakeLists.txt
     "cmake_minimum_required(VERSION 3.25)\nproject(wrong CXX)\n"
     "find_package(catena REQUIRED COMPONENTS core quantum)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/wrong -B ${WORK}/wrong/build ${common}
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(status EQUAL 0 OR NOT output MATCHES "catena has no component 'quantum'; its components are: core, train, serialization, cuda")
  message(FATAL_ERROR "an unknown component was not refused by name:\n${output}")
endif()

# The installed command works from where it lies now, and takes an op of a user's library.
set(catena ${WORK}/moved/bin/catena)
if(EXISTS ${catena})
  run("the installed command" ${catena} op random_normal --attr shape=2,3 --output-dir ${WORK}/arrays)
  run("the plugin" ${catena} op swish --plugin ${WORK}/examples/libswish.so --attr beta=2
      --inputs ${WORK}/arrays/output_0.npy --gradcheck)
  run("the installed data" ${catena} train digits --epochs 1)
  run("the installed book" ${catena} train lstm --epochs 1)
  # A graph with an op that the command does not know is refused by name, with status 3.
  execute_process(COMMAND ${catena} check ${WORK}/examples/custom_op.catena
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 3 OR NOT output MATCHES "swish")
    message(FATAL_ERROR "a graph with an unknown op: status ${status}, expected 3:\n${output}")
  endif()
endif()

find_program(PKG_CONFIG NAMES pkg-config pkgconf)
if(PKG_CONFIG)
  file(GLOB_RECURSE pc ${WORK}/moved/*/catena.pc)
  get_filename_component(pc_folder "${pc}" DIRECTORY)
  run("pkg-config" ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_folder} ${PKG_CONFIG} --cflags catena)
endif()
