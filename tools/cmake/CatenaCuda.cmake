# Finds nvcc and decides about the CUDA backend. CATENA_WITH_CUDA: AUTO builds it when nvcc is found,
# ON requires it, OFF leaves it out.
set(CATENA_CUDA_ARCHITECTURES "80-real;90" CACHE STRING
    "GPU architectures of the CUDA backend; those without -real also get PTX for newer ones")

if(NOT CATENA_WITH_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "CATENA_WITH_CUDA is '${CATENA_WITH_CUDA}'; expected AUTO, ON or OFF")
endif()
set(CATENA_HAS_CUDA FALSE)
if(CATENA_WITH_CUDA STREQUAL "OFF")
  message(STATUS "CUDA backend: no (CATENA_WITH_CUDA=OFF)")
  return()
endif()

if(NOT CMAKE_CUDA_COMPILER)
  find_program(CATENA_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda
               PATH_SUFFIXES bin)
  if(CATENA_NVCC)
    set(CMAKE_CUDA_COMPILER ${CATENA_NVCC})
  endif()
endif()
if(NOT CMAKE_CUDA_COMPILER)
  if(CATENA_WITH_CUDA STREQUAL "ON")
    message(FATAL_ERROR "CATENA_WITH_CUDA=ON, but there is no nvcc in PATH or /usr/local/cuda/bin; "
                        "install the CUDA Toolkit or set CMAKE_CUDA_COMPILER")
  endif()
  message(STATUS "CUDA backend: no (nvcc not found)")
  return()
endif()

# CMake 3.25 knows no CUDA 13: it would ask for architectures that are gone, and ignores
# CMAKE_CUDA_STANDARD 20 without a word.
set(CMAKE_CUDA_ARCHITECTURES ${CATENA_CUDA_ARCHITECTURES})
if(NOT CMAKE_CUDA_HOST_COMPILER)
  set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
set(CATENA_HAS_CUDA TRUE)
message(STATUS "CUDA backend: yes (nvcc ${CMAKE_CUDA_COMPILER_VERSION}, architectures "
               "${CATENA_CUDA_ARCHITECTURES})")
add_subdirectory(backends/cuda)
