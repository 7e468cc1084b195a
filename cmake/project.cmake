# The few functions that every folder's list is written in.

# Warnings and sanitizers for all of our own targets; -Werror comes from the presets.
add_library(project_flags INTERFACE)
target_compile_definitions(project_flags INTERFACE _GNU_SOURCE
    IOTHUB_VERSION="${PROJECT_VERSION}")
target_compile_options(project_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wcast-qual -Wwrite-strings -Wconversion -Wno-sign-conversion -Wformat=2 -Wundef -Wvla
    -Wpointer-arith -Wredundant-decls -Wdouble-promotion -Wnull-dereference
    -Wimplicit-fallthrough -fno-common -UNDEBUG
    $<$<CONFIG:RelWithDebInfo>:-fstack-protector-strong>)
if(IOTHUB_SANITIZE)
    target_compile_options(project_flags INTERFACE -fsanitize=${IOTHUB_SANITIZE}
        -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(project_flags INTERFACE -fsanitize=${IOTHUB_SANITIZE})
else()
    # Fortify and the sanitizers do not mix.
    target_compile_definitions(project_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()

# project_library(name SOURCES a.c … HEADERS a.h … USES targets …)
#
# A static library; its headers are checked to compile alone (target all_verify_interface_header_sets).
# Headers are found from the include root they are named by: common/, emulator/ or an include/ folder.
function(project_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;USES" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    cmake_path(GET CMAKE_CURRENT_SOURCE_DIR PARENT_PATH root)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/include)
        set(root ${CMAKE_CURRENT_SOURCE_DIR}/include)
    endif()
    target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${root} FILES ${ARG_HEADERS})
    target_link_libraries(${name} PUBLIC ${ARG_USES} $<BUILD_INTERFACE:project_flags>)
    set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

# project_program(name SOURCES … USES …): a binary that is installed.
function(project_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_USES} project_flags)
    install(TARGETS ${name} RUNTIME)
endfunction()

# project_client_library(name CORE core HEADER include/iothub/….h DESCRIPTION text USES targets …)
#
# A client library as others link to it: shared, installed with its header, status.h and a
# pkg-config file.  It is made of the objects of the static library `core`, which our own program
# and tests link to because they look inside; here only what IOTHUB_API marks is seen.
function(project_client_library name)
    cmake_parse_arguments(ARG "" "CORE;HEADER;DESCRIPTION" "USES" ${ARGN})
    add_library(${name} SHARED $<TARGET_OBJECTS:${ARG_CORE}>)
    target_link_libraries(${name} PRIVATE ${ARG_USES} project_flags)
    # All of status.h is for users, whatever of it the library itself calls.
    target_link_options(${name} PRIVATE LINKER:--undefined=iothub_status_name)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    set(description ${ARG_DESCRIPTION})
    configure_file(${PROJECT_SOURCE_DIR}/cmake/client_library.pc.in ${name}.pc @ONLY)
    install(TARGETS ${name} LIBRARY)
    install(FILES ${ARG_HEADER} ${PROJECT_SOURCE_DIR}/common/iothub/status.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/iothub)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# project_test(label.folder.name SOURCES … USES …): one cmocka program, labelled by its first word.
function(project_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;USES;DEFINITIONS" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 60)
    endif()
    string(REGEX REPLACE "\\..*" "" label ${name})
    string(REPLACE "." "_" target ${name})
    add_executable(test_${target} ${ARG_SOURCES})
    target_include_directories(test_${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(test_${target} PRIVATE
        TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data" ${ARG_DEFINITIONS})
    target_link_libraries(test_${target} PRIVATE ${ARG_USES} PkgConfig::CMOCKA project_flags)
    set_target_properties(test_${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND test_${target})
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${ARG_TIMEOUT})
endfunction()
