# SPDX-License-Identifier: Apache-2.0
# What every record says of its build: version, commit, dirty flag, compiler, flags. The header is
# made anew at each build (a commit made after configuring must not be missing from the results).
add_custom_target(iomodes_version ALL
	COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUT=${CMAKE_BINARY_DIR}/generated
		-DVERSION=${PROJECT_VERSION} "-DCOMPILER=${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}"
		"-DFLAGS=${CMAKE_BUILD_TYPE} ${CMAKE_C_FLAGS}" -P ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake
	BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/iomodes_version.h VERBATIM)
add_library(iomodes_build INTERFACE)
add_dependencies(iomodes_build iomodes_version)
target_include_directories(iomodes_build INTERFACE ${CMAKE_BINARY_DIR}/generated)
