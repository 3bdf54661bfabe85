# SPDX-License-Identifier: Apache-2.0
# One layer = one folder = one static library. Headers are included as "layer/file.h", and a layer
# sees the headers of the layers it is linked to and of no other: each layer has an include root of
# its own that holds nothing but a link to its folder. That is how the direction of dependencies
# (DESIGN: base <- sys <- {machine, knob, evidence} <- mode <- experiment <- trial <- cli) is
# enforced by the compiler instead of by good will.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "build type" FORCE)
endif()

add_library(iomodes_flags INTERFACE)
target_compile_definitions(iomodes_flags INTERFACE _GNU_SOURCE)
target_compile_options(iomodes_flags INTERFACE
	-Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
	-Wold-style-definition -Wwrite-strings -Wvla -Wno-unused-parameter
	$<$<BOOL:${IOMODES_WERROR}>:-Werror>)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# iomodes_pkg(TARGET SCOPE MODULE...): link pkg-config modules, each looked up once
function(iomodes_pkg target scope)
	foreach(module ${ARGN})
		string(MAKE_C_IDENTIFIER ${module} id)
		if(NOT TARGET PkgConfig::${id})
			pkg_check_modules(${id} REQUIRED IMPORTED_TARGET GLOBAL ${module})
		endif()
		target_link_libraries(${target} ${scope} PkgConfig::${id})
	endforeach()
endfunction()

# iomodes_layer(NAME [DIR dir] [USES layer...] [PRIVATE_USES layer...] [PKG m...] [PRIVATE_PKG m...])
function(iomodes_layer name)
	cmake_parse_arguments(L "" "DIR" "USES;PRIVATE_USES;PKG;PRIVATE_PKG" ${ARGN})
	if(NOT L_DIR)
		set(L_DIR ${CMAKE_CURRENT_SOURCE_DIR}/${name})
	endif()
	set(root ${CMAKE_BINARY_DIR}/include/${name})
	file(MAKE_DIRECTORY ${root})
	file(CREATE_LINK ${L_DIR} ${root}/${name} SYMBOLIC)
	file(GLOB sources CONFIGURE_DEPENDS ${L_DIR}/*.c)
	if(NOT sources) # a layer that is still empty
		file(WRITE ${CMAKE_BINARY_DIR}/empty.c "")
		set(sources ${CMAKE_BINARY_DIR}/empty.c)
	endif()
	add_library(iomodes_${name} STATIC ${sources})
	target_include_directories(iomodes_${name} PUBLIC ${root})
	target_link_libraries(iomodes_${name} PUBLIC iomodes_flags)
	foreach(layer ${L_USES})
		target_link_libraries(iomodes_${name} PUBLIC iomodes_${layer})
	endforeach()
	foreach(layer ${L_PRIVATE_USES})
		target_link_libraries(iomodes_${name} PRIVATE iomodes_${layer})
	endforeach()
	iomodes_pkg(iomodes_${name} PUBLIC ${L_PKG})
	iomodes_pkg(iomodes_${name} PRIVATE ${L_PRIVATE_PKG})
endfunction()
