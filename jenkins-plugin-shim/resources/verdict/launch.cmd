@echo off
rem As launch.sh, for Windows agents: Node reads the words itself, so that cmd never sees a value.
node "%VERDICT_STEP_FOLDER%\launch-%VERDICT_STEP_ID%.mjs"
set VERDICT_STEP_CODE=%ERRORLEVEL%
echo.
echo %VERDICT_STEP_CODE%
exit /b 0
