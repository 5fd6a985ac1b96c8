"""What programs ask for: lists that are walked from a name on, and marks as plain data.

walking    who comes after whom, in an order that new ones do not upset
marks      marks of a class or of one student, in the words of `grader export json`
waiting    what waits for people, student by student
exporting  a file for a course system
"""
