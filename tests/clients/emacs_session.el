;;; emacs_session.el --- a proof finished through `lean-copilot serve` by Emacs  -*- lexical-binding: t; -*-
;;
;;   emacs --fg-daemon=NAME -l emacs_session.el
;;
;; The daemon has read the person's init file, with lean4-mode and what `lean-copilot setup emacs` wrote.
;; In the environment: FILE, the file; RESULT, where one JSON object is written: the server's words, the goal,
;; the action's title, the text and what Lean said before and after.

(require 'json)
(require 'seq)

(defconst session-limit 240)

(defun session-wait (what holds)
  "Wait until HOLDS gives something, and return it; WHAT says what it is."
  (let ((until (+ (float-time) session-limit)) found)
    (while (not (setq found (funcall holds)))
      (when (> (float-time) until) (error "%s did not come" what))
      (accept-process-output nil 0.05))
    found))

(defun session-messages ()
  "What Lean says about the buffer."
  (mapcar (lambda (d) (lsp-get d :message)) (gethash (buffer-file-name) (lsp-diagnostics t))))

(defun session-read-to-end ()
  "Wait until Lean has said all about the buffer; its messages."
  (lsp-request "textDocument/waitForDiagnostics"
               (list :uri (lsp--buffer-uri) :version lsp--cur-version))
  (let ((until (+ (float-time) 0.3)))
    (while (< (float-time) until) (accept-process-output nil 0.05)))
  (vconcat (session-messages)))

(defun session-action ()
  "The first action of ours here that completes the proof."
  (sleep-for 0.5)
  (seq-find (lambda (a) (string-match-p "\\`Try `.*completes" (lsp-get a :title)))
            (lsp-code-actions-at-point)))

(defun session ()
  (setq lsp-response-timeout session-limit)
  (find-file (getenv "FILE"))
  (session-wait "the start of the server"
                (lambda () (seq-find (lambda (w) (eq (lsp--workspace-status w) 'initialized)) (lsp-workspaces))))
  (let* ((process (lsp--workspace-cmd-proc (car (lsp-workspaces))))
         (before (session-read-to-end))
         (goal (progn (goto-char (point-min))
                      (search-forward "sorry")
                      (goto-char (match-beginning 0))
                      (lsp-request "$/lean/plainGoal" (lsp--text-document-position-params))))
         (action (session-wait "an action of ours" #'session-action)))
    (lsp-execute-code-action action)
    (let ((result (list :server (vconcat (process-command process))
                        :goal (elt (lsp-get goal :goals) 0)
                        :title (lsp-get action :title)
                        :after (session-read-to-end)
                        :before before
                        :text (buffer-substring-no-properties (point-min) (point-max)))))
      (with-temp-file (getenv "RESULT") (insert (json-encode result))))
    (set-buffer-modified-p nil)
    (setq lsp-restart 'ignore)
    (lsp-workspace-shutdown (car (lsp-workspaces)))
    (session-wait "the end of the server" (lambda () (not (process-live-p process))))))

(condition-case why
    (progn (session) (kill-emacs 0))
  (error (message "the session failed: %S" why)
         (let ((log (get-buffer "*lsp-log*")))
           (when log (message "%s" (with-current-buffer log (buffer-string)))))
         (kill-emacs 1)))
