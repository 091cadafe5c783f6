"""Verification (OTP): a code by SMS proves that somebody has a number. docs/verification.md"""
