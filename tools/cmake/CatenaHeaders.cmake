# catena_public_headers(VARIABLE): the headers that are installed, as paths below catena/. A header of
# the rooms is public unless its opening comment says "Not a public header"; of the CPU backend, the
# named ones are.
function(catena_public_headers variable)
  set(headers backends/cpu/parallel.hpp backends/cpu/kernel_table.hpp)
  foreach(room graph ops nn train serialization serialization/onnx)
    file(GLOB found CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
         ${PROJECT_SOURCE_DIR}/${room}/*.hpp)
    foreach(header ${found})
      file(STRINGS ${PROJECT_SOURCE_DIR}/${header} private REGEX "^//.*Not a public" LIMIT_COUNT 1)
      if(NOT private)
        list(APPEND headers ${header})
      endif()
    endforeach()
  endforeach()
  set(${variable} ${headers} PARENT_SCOPE)
endfunction()
