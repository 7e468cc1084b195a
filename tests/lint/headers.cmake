# Every header compiles alone, and those of libraries are in their library's header set, by which
# the build knows them.
#
#   cmake -D BUILD=FOLDER -P tests/lint/headers.cmake    at the top of the project
cmake_minimum_required(VERSION 3.25)

set(n_bad 0)
file(GLOB_RECURSE headers RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} common/*.h emulator/*.h)
foreach(header IN LISTS headers)
    cmake_path(GET header PARENT_PATH folder)
    cmake_path(GET header FILENAME name)
    file(READ ${folder}/CMakeLists.txt list)
    string(REPLACE "." "\\." pattern ${name})
    if(NOT list MATCHES "[ \n]${pattern}[ \n)]")
        message("${header} is not in ${folder}/CMakeLists.txt")
        math(EXPR n_bad "${n_bad} + 1")
    endif()
endforeach()
if(n_bad GREATER 0)
    message(FATAL_ERROR "headers in no header set: ${n_bad}")
endif()

execute_process(
    COMMAND ${CMAKE_COMMAND} --build ${BUILD}
        --target all_verify_interface_header_sets verify_private_headers
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "a header does not compile alone")
endif()
