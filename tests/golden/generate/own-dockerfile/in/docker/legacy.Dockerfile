ARG BASE
FROM debian AS runtime

