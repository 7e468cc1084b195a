# Who may include whom: the floors of ARCHITECTURE.md.
#
#   cmake -P tests/lint/floors.cmake    at the top of the project
cmake_minimum_required(VERSION 3.25)

# FOLDER: what it may include besides itself.  A name is an include's first folder; of device and
# service, whose parts are floors of their own, the first two.
set(floors
    "common/base:"
    "common/iothub: base"
    "common/cli: base iothub"
    "common/http: base iothub"
    "emulator/mqtt: base"
    "emulator/query: base iothub"
    "emulator/store: base iothub"
    "emulator/hub: base iothub query store"
    "emulator/gateway: base iothub mqtt hub"
    "emulator/server: base iothub cli mqtt query store hub gateway"
    "device/include: iothub"
    "device/src: base iothub http device/include"
    "device/cli: base iothub cli device/include"
    "service/include: iothub"
    "service/src: base iothub http service/include"
    "service/cli: base iothub cli service/include")

# HEADER, or its beginning: the only folders that may include it.
set(system
    "event2/: emulator/server"
    "microhttpd.h: emulator/server"
    "wslay/: emulator/server"
    "sqlite3.h: emulator/store"
    "mosquitto.h: device/src"
    "curl/: common/http service/src"
    "openssl/: common/base common/iothub emulator/server device/src"
    "jansson.h: common/iothub common/cli common/http emulator/query emulator/hub emulator/gateway emulator/server device/src device/cli service/src service/cli"
    "uthash.h: common/base"
    "time.h: common/base"
    "sys/time.h: common/base"
    "sys/socket.h: emulator/server device/src service/src"
    "sys/epoll.h: emulator/server device/cli"
    "netinet/: emulator/server device/src service/src"
    "arpa/: emulator/server device/src service/src"
    "netdb.h: emulator/server device/src service/src"
    "poll.h: emulator/server device/src device/cli service/src service/cli")

set(n_bad 0)
macro(complain text)
    message("${text}")
    math(EXPR n_bad "${n_bad} + 1")
endmacro()

# Split a row into `key` and the list `values`.
macro(read_row row)
    string(REGEX MATCH "^([^:]*):(.*)$" ignored "${row}")
    set(key "${CMAKE_MATCH_1}")
    separate_arguments(values UNIX_COMMAND "${CMAKE_MATCH_2}")
endmacro()

# The floor that a quoted include belongs to.
function(floor_of include out)
    if(include MATCHES "^iothub/(device|service)\\.h$")
        set(floor ${CMAKE_MATCH_1}/include)
    elseif(include MATCHES "^((device|service)/[^/]+)/")
        set(floor ${CMAKE_MATCH_1})
    elseif(include MATCHES "^([^/]+)/")
        set(floor ${CMAKE_MATCH_1})
    else()
        set(floor "")
    endif()
    set(${out} "${floor}" PARENT_SCOPE)
endfunction()

macro(check_quoted file include allowed)
    floor_of("${include}" floor)
    if(floor STREQUAL "")
        complain("${file}: \"${include}\" names no floor")
    elseif(NOT floor IN_LIST allowed)
        complain("${file}: \"${include}\": ${floor} is not for this floor")
    endif()
endmacro()

macro(check_system file folder include)
    foreach(row IN LISTS system)
        read_row("${row}")
        string(FIND "${include}" "${key}" at)
        if(at EQUAL 0 AND NOT folder IN_LIST values)
            complain("${file}: <${include}> is not for this floor")
        endif()
    endforeach()
endmacro()

macro(check_file file folder allowed)
    file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include")
    foreach(line IN LISTS lines)
        if(line MATCHES "\"([^\"]*)\"")
            check_quoted(${file} "${CMAKE_MATCH_1}" "${allowed}")
        elseif(line MATCHES "<([^>]*)>")
            check_system(${file} ${folder} "${CMAKE_MATCH_1}")
        endif()
    endforeach()
endmacro()

set(unseen "")
foreach(top common emulator device service)
    file(GLOB_RECURSE files RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${top}/*.c ${top}/*.h)
    list(APPEND unseen ${files})
endforeach()
list(LENGTH unseen n_files)
foreach(row IN LISTS floors)
    read_row("${row}")
    set(folder ${key})
    set(allowed ${values})
    # Itself: common/ and emulator/ are include roots.
    string(REGEX REPLACE "^(common|emulator)/" "" self ${folder})
    list(APPEND allowed ${self})
    set(files ${unseen})
    list(FILTER files INCLUDE REGEX "^${folder}/")
    list(FILTER unseen EXCLUDE REGEX "^${folder}/")
    if(files STREQUAL "")
        complain("${folder}: there are no sources")
    endif()
    foreach(file IN LISTS files)
        check_file(${file} ${folder} "${allowed}")
    endforeach()
endforeach()
foreach(file IN LISTS unseen)
    complain("${file}: its folder is not among the floors of tests/lint/floors.cmake")
endforeach()

if(n_bad GREATER 0)
    message(FATAL_ERROR "includes against the floors: ${n_bad}")
endif()
message("${n_files} files keep to their floors")
