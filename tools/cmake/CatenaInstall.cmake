# Installs libraries, headers, the catena command, and what find_package(catena) and pkg-config need.
# Nothing installed holds an absolute path of ours: the folder may be moved.
option(CATENA_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})

# One target for everything, the same name in the tree as installed.
add_library(catena_all INTERFACE)
add_library(catena::catena ALIAS catena_all)
set_target_properties(catena_all PROPERTIES EXPORT_NAME catena)
target_link_libraries(catena_all INTERFACE catena_train)
set(catena_libraries catena_core catena_train)
set(CATENA_COMPONENTS core train)
if(TARGET catena_serialization)
  target_link_libraries(catena_all INTERFACE catena_serialization)
  list(APPEND catena_libraries catena_serialization)
  list(APPEND CATENA_COMPONENTS serialization)
endif()
if(TARGET catena_cuda)
  list(APPEND CATENA_COMPONENTS cuda)
endif()
if(NOT CATENA_INSTALL)
  return()
endif()

# Libraries find each other beside themselves, programs find them from the folder of programs.
file(RELATIVE_PATH lib_from_bin /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${CMAKE_INSTALL_LIBDIR})
file(RELATIVE_PATH lib_from_libexec /prefix/${CMAKE_INSTALL_LIBEXECDIR}/catena
     /prefix/${CMAKE_INSTALL_LIBDIR})
set_target_properties(${catena_libraries} PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS ${catena_libraries} catena_all EXPORT catenaTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET catena_cuda)
  # Loaded at run time from the folder of the core, never linked.
  install(TARGETS catena_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          NAMELINK_SKIP)
endif()
if(TARGET catena_onednn)
  # Likewise.
  install(TARGETS catena_onednn LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_SKIP)
endif()
if(TARGET catena_tool)
  set_target_properties(catena_tool PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
  install(TARGETS catena_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  foreach(file ${CATENA_TASK_DATA})
    get_filename_component(folder ${file} DIRECTORY)
    install(FILES examples/${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/catena/${folder})
  endforeach()
endif()
if(TARGET catena_bench)
  # For `catena bench`.
  set_target_properties(catena_bench catena_cold PROPERTIES
                        INSTALL_RPATH "$ORIGIN/${lib_from_libexec}")
  install(TARGETS catena_bench catena_cold RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/catena)
endif()

# --- Headers ---------------------------------------------------------------------------------------
include(CatenaHeaders)
catena_public_headers(public_headers)
foreach(header ${public_headers} ops/ops.def)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/catena/${folder})
endforeach()
install(DIRECTORY include/catena DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
install(FILES ${CATENA_INCLUDE_DIR}/catena/version.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/catena)

# --- find_package and pkg-config ------------------------------------------------------------------
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/catena)
configure_package_config_file(tools/cmake/catenaConfig.cmake.in catenaConfig.cmake
                              INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(catenaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/catenaConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/catenaConfigVersion.cmake DESTINATION ${config_dir})
install(EXPORT catenaTargets NAMESPACE catena:: DESTINATION ${config_dir})

set(CATENA_PC_LIBS "-lcatena_train -lcatena_core")
if(TARGET catena_serialization)
  string(PREPEND CATENA_PC_LIBS "-lcatena_serialization ")
endif()
file(RELATIVE_PATH CATENA_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(tools/cmake/catena.pc.in catena.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/catena.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/catena)
